/* PRIVATE to lib/python: lines and columns of bytecode offsets, of 3.11 and later. Pure. */
#ifndef PYTHON_PY_POSITIONS_H
#define PYTHON_PY_POSITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "python/python.h"

/* The position of the instruction at byte offset `at`, by co_linetable of 3.11 and later (CPython
 * Objects/locations.md). False: the table does not say, or is damaged; *out is unchanged. */
bool py_position_locations(struct span table, int32_t first, uint64_t at, struct py_position *out);

#endif
