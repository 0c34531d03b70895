/* PRIVATE to lib/unwind: words of a target, cheap to ask for one at a time.
 *
 * Answers come from the first of these that has all of the bytes:
 *   1. pieces of memory that were read before: the stack, upwards, up to 64 KiB at a time
 *   2. file bytes of read-only segments, which memory equals
 *   3. Pread, in pieces */
#ifndef UNWIND_UNWIND_MEMORY_H
#define UNWIND_UNWIND_MEMORY_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory;

/* P must outlive it. NULL: out of memory. */
struct memory *memory_create(struct ps_prochandle *P);
void memory_destroy(struct memory *m); /* NULL ok */

/* A walk begins: forget pieces of memory (file bytes stay), read the first of the stack at sp. */
void memory_restart(struct memory *m, uint64_t sp);

/* The 8 bytes at va, which may have any alignment. False: they are not all readable. */
bool memory_word(struct memory *m, uint64_t va, uint64_t *out);

/* The same for a number of `size` (up to 8) bytes. */
bool memory_number(struct memory *m, uint64_t va, size_t size, uint64_t *out);

#endif
