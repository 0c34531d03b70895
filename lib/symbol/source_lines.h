/* PRIVATE to lib/symbol: source places of names, and the files that they are read from. */
#ifndef SYMBOL_SOURCE_LINES_H
#define SYMBOL_SOURCE_LINES_H

#include "base/vec.h"
#include "symbol/lacks.h"
#include "symbol/symbolize.h"

/* A name whose place is wanted: the code is at `at`. */
struct source_query {
	struct symbol_name *name;
	uint64_t at;
};

struct source_queries { /* a VEC */
	struct source_query *at;
	size_t n, cap;
};

/* Set the member `source` of the names, where the debug information of their files in P has it. The
 * caller frees it with source_lines_free. What cannot be read is left out, and added to
 * lacks if that is no property of the file; a file in lacks is not read again. */
void source_lines_find(
    struct ps_prochandle *P, const struct source_queries *queries, struct symbol_lacks *lacks);

void source_lines_free(const struct symbol_source *source); /* NULL ok */

#endif
