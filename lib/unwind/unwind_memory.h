/* PRIVATE to lib/unwind: words of the target, cached, so that each can be requested on its own.
 *
 * The first of these sources that has all bytes of a word is used:
 *   1. pieces of memory that were read before: the stack, upwards, up to 64 KiB at a time
 *   2. the file's bytes of read-only segments, if memory is known to equal them
 *   3. Pread, which makes a new piece */
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

/* Begin a walk: forget the pieces (file bytes are kept) and read the stack's first piece, at sp. */
void memory_restart(struct memory *m, uint64_t sp);

/* Set *out to the 8 bytes at va, which may have any alignment. False: not all of them are readable,
 * and *out is undefined. */
bool memory_word(struct memory *m, uint64_t va, uint64_t *out);

/* The same for an unsigned number of `size` bytes, at most 8. */
bool memory_number(struct memory *m, uint64_t va, size_t size, uint64_t *out);

#endif
