/* PRIVATE to lib/symbol: lines of Cython's sources, by comments of the C files that it has made. */
#ifndef SYMBOL_CYTHON_LINES_H
#define SYMBOL_CYTHON_LINES_H

#include <libproc.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "symbol/symbolize.h"

/* From this line of the C file on, up to the next such place, the code is that of a source line. */
struct cython_line {
	uint32_t at;        /* in the C file, from 1 */
	uint32_t line;      /* in the source */
	const char *source; /* its name; owned by the table */
};

/* All zeros: empty. */
struct cython_table {
	char *path; /* owned; of the C file */
	VEC(struct cython_line) lines;
	VEC(char *) sources; /* owned */
};

struct cython_tables { /* a VEC */
	struct cython_table *at;
	size_t n, cap;
};

/* Add the places that comments tell in a C file of n bytes. Without memory some are missing. */
void cython_table_parse(struct cython_table *t, const char *text, size_t n);

/* The source line of a line of the C file; NULL: there is none. */
const struct cython_line *cython_table_at(const struct cython_table *t, uint32_t line);

/* Give places of functions that Cython has compiled the lines of their sources, if they have those
 * of a C file that is still there, in P's root, and not newer than the file of the code, which is
 * at the path `module`. Each C file is read once. Strings of the places belong to tables then. */
void cython_lines_set(
    struct cython_tables *tables, struct ps_prochandle *P, const char *module, struct symbol_source *source);

void cython_tables_free(struct cython_tables *tables);

#endif
