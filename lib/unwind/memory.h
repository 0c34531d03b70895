/* PRIVATE to lib/unwind: words of a target, cheap to ask for one at a time.
 *
 * Answers come from the first of these that has the address:
 *   1. bytes pinned by the caller: unwind tables that were checked, which nothing else may stand in for
 *   2. pieces of memory read a while ago: the stack, upwards, 64 KB at a time
 *   3. file bytes of read-only segments, which memory equals
 *   4. Pread, in pieces
 *   5. file bytes of a writable segment, when Pread has nothing: what was relocated at run time (a
 *      personality routine's address) is then wrong, and its readers here only need that it is there */
#ifndef UNWIND_MEMORY_H
#define UNWIND_MEMORY_H

#include <libproc.h>
#include <stdbool.h>

#include "base/span.h"

struct memory;

struct memory *memory_create(struct ps_prochandle *P); /* NULL: out of memory. P must outlive it */
void memory_destroy(struct memory *m);                 /* NULL ok */

/* A walk begins: forget pieces of memory (file bytes stay), read the first of the stack at sp. */
void memory_restart(struct memory *m, uint64_t sp);

/* Answer addresses va… from these bytes, before anything else, from now on. They must live as long as m.
 * False: out of memory. */
bool memory_pin(struct memory *m, uint64_t va, struct span bytes);

/* The 8 bytes at va, any alignment. Bytes past the end of file bytes read as 0; memory has to be there
 * in full. False: not readable. */
bool memory_word(struct memory *m, uint64_t va, uint64_t *out);

#endif
