/* From program counters to names.
 *
 * Knows files and their symbols, through <libproc.h>; knows nothing of stacks, of Python, or of how a
 * name is printed. Source lines and inlined functions are to be further members of a symbol_name. */
#ifndef SYMBOL_SYMBOLIZE_H
#define SYMBOL_SYMBOLIZE_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* What a pc is called. Strings are as in the file, not escaped. */
struct symbol_name {
	uint32_t id;        /* its place among the symbolizer's names: 0, 1, … */
	uint64_t pc;        /* run-time address */
	const char *object; /* base name of the file that holds the code; NULL: none does */
	const char *symbol; /* the function; NULL: no symbol covers it */
	uint64_t offset;    /* with symbol: pc less the symbol's address */
	/* Without symbol: pc less the file's load bias, its address in the file; pc where no ELF file is mapped,
	 * or its headers cannot be read. */
	uint64_t address;
};

/* One pc to be named. */
struct symbol_query {
	uint64_t pc;
	bool exact; /* pc is an instruction of the function itself; false: a return address, whose
	             * function is that of the call before it */
};

struct symbolizer;

/* A symbolizer of P, which must outlive it. NULL: out of memory. */
struct symbolizer *symbolizer_create(struct ps_prochandle *P);
void symbolizer_destroy(struct symbolizer *s); /* NULL ok */

/* Look names up in P from now on, another handle of the same process with the same mappings; those found
 * so far are kept. */
void symbolizer_move(struct symbolizer *s, struct ps_prochandle *P);

/* Name n pcs: out[i] is the name of queries[i]. Equal queries get the same pointer, which is valid as
 * long as s. RES_FAIL: out of memory; out is undefined. */
enum res symbolize(struct symbolizer *s, const struct symbol_query *queries, size_t n,
    const struct symbol_name **out, struct fault *f);

#endif
