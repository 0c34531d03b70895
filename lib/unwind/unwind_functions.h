/* Where functions start, by unwind tables: also those that no symbol names. */
#ifndef UNWIND_UNWIND_FUNCTIONS_H
#define UNWIND_UNWIND_FUNCTIONS_H

#include <libproc.h>
#include <stdbool.h>
#include <stdint.h>

struct unwind_functions;

/* P must outlive it. Nothing is read before the first question. NULL: out of memory. */
struct unwind_functions *unwind_functions_create(struct ps_prochandle *P);
void unwind_functions_destroy(struct unwind_functions *u); /* NULL ok */

/* The start of the function with the instruction at pc, as an address of its file. The part of a
 * function that a compiler has moved away (.cold) counts as one of its own. False: no entry
 * describes pc. */
bool unwind_function_start(struct unwind_functions *u, uint64_t pc, uint64_t *start);

#endif
