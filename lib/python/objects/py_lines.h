/* PRIVATE to lib/python: source lines of bytecode offsets. Pure functions on bytes. */
#ifndef PYTHON_PY_LINES_H
#define PYTHON_PY_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* The line of the instruction at byte offset `at` of a code object whose first line is `first`. 0:
 * the table does not say, or is damaged. Tables are those of CPython's Objects/lnotab_notes.txt and
 * (3.11+) Objects/locations.md. */

/* co_lnotab, up to 3.9. Line steps are signed from 3.6 on. */
int32_t py_line_lnotab(struct span table, int32_t first, uint64_t at, bool is_signed);

/* co_linetable of 3.10. For a range without a line: `first`, as in tracebacks. */
int32_t py_line_ranges(struct span table, int32_t first, uint64_t at);

/* co_linetable of 3.11 and later. For an entry without a line: `first`. */
int32_t py_line_locations(struct span table, int32_t first, uint64_t at);

#endif
