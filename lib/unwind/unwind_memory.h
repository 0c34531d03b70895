/* PRIVATE to lib/unwind: words of a target, cheap to ask for one at a time.
 *
 * Answers come from the first of these that has the address:
 *   1. bytes pinned by the caller: unwind tables that were checked, which nothing else may stand in for
 *   2. pieces of memory read a while ago: the stack, upwards, 64 KB at a time
 *   3. file bytes of read-only segments, which memory equals
 *   4. Pread, in pieces
 *   5. if asked for, file bytes of a writable segment, when Pread has nothing: what was relocated at run time (a
 *      personality routine's address) is then wrong, and libunwind only needs that it is there */
#ifndef UNWIND_UNWIND_MEMORY_H
#define UNWIND_UNWIND_MEMORY_H

#include <libproc.h>
#include <stdbool.h>

#include "base/span.h"

struct memory;

/* P must outlive it. file_too: source 5. NULL: out of memory. */
struct memory *memory_create(struct ps_prochandle *P, bool file_too);
void memory_destroy(struct memory *m); /* NULL ok */

/* A walk begins: forget pieces of memory (file bytes stay), read the first of the stack at sp. */
void memory_restart(struct memory *m, uint64_t sp);

/* Answer addresses va… from these bytes, before anything else, from now on. They must live as long as m.
 * False: out of memory. */
bool memory_pin(struct memory *m, uint64_t va, struct span bytes);

/* The 8 bytes at va, any alignment, all of which have to be there; past the end of pinned bytes alone they read as 0,
 * since a reader of tables by the word takes more than a table's last bytes. False: not readable. */
bool memory_word(struct memory *m, uint64_t va, uint64_t *out);

/* The same for a number of `size` (up to 8) bytes. */
bool memory_number(struct memory *m, uint64_t va, size_t size, uint64_t *out);

#endif
