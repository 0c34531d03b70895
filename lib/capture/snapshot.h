/* A copy of part of a process, with a libproc handle of its own.
 *
 *        while filling                          sealed
 *   Pread --> pages, ranges --miss--> live    Pread --> pages, ranges --miss--> live, only where
 *                  ^---- kept ---------+                                        memory is constant
 *
 * Before the seal everything that is read through the handle is kept. After the seal the same
 * reads return the same bytes, whatever the target does. */
#ifndef CAPTURE_SNAPSHOT_H
#define CAPTURE_SNAPSHOT_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"

struct snapshot;

/* Create an unsealed snapshot of live, whose mappings and files it shares. live must outlive it:
 * it may exit or be released from holds, but must not be Preleased. */
enum res snapshot_create(struct ps_prochandle *live, struct snapshot **out, struct fault *f);
void snapshot_destroy(struct snapshot *s); /* NULL ok; releases its handle too */

/* Its handle (PS_STOP), owned by the snapshot. */
struct ps_prochandle *snapshot_handle(const struct snapshot *s);

/* Copy [lo, hi) of the target now. Returns the bytes that could be read from lo on. Copies do
 * not overlap: this one ends where an older one begins, and the part of an older one from lo on
 * is dropped. */
size_t snapshot_copy(struct snapshot *s, uint64_t lo, uint64_t hi);

/* A range to copy; got: as snapshot_copy returns. If it is sparse (private anonymous memory) and
 * larger than SNAPSHOT_LARGE, pages that were never touched are left out: they count as copied,
 * and reads of them fail. */
enum { SNAPSHOT_LARGE = 1 << 20 };
struct snapshot_piece {
	uint64_t lo, hi;
	size_t got;
	bool sparse;
};

/* Set the deadline (CLOCK_MONOTONIC, ns; 0 none). After it nothing is fetched: large copies end,
 * and reads of missing data fail. Returns true if something failed for that reason since the
 * last call. */
bool snapshot_until(struct snapshot *s, int64_t ns);

/* True if a read through the handle was cut short, because memory could not be read. _take: since
 * the last call of it. */
bool snapshot_missed(const struct snapshot *s);
bool snapshot_take_missed(struct snapshot *s);

/* Copy n ranges in few calls. */
void snapshot_copy_pieces(struct snapshot *s, struct snapshot_piece *pieces, size_t n);

/* A prefetch list: pages that will probably be read, to fetch with the next copies. */
enum { SNAPSHOT_PREFETCH_MAX = 1024 }; /* pages; a held target waits for all of them */
struct snapshot_prefetch {             /* a VEC of page numbers */
	uint64_t *at;
	size_t n, cap;
};
bool snapshot_prefetch_full(const struct snapshot_prefetch *list);
/* Add the pages of [va, va + n). They are left out if the list is full or memory runs out. */
void snapshot_prefetch_add(struct snapshot_prefetch *list, uint64_t va, size_t n);
/* Call read(data), and add each page that is fetched to answer a read of it. While the list is full
 * nothing is fetched, and such reads fail. */
void snapshot_prefetch_by(
    struct snapshot *s, struct snapshot_prefetch *list, void (*read)(void *data), void *data);
/* Copy the pieces as snapshot_copy_pieces does, and fetch the pages of the list with the first
 * of them. Empties the list. A page that cannot be read is not tried again until it is
 * forgotten. */
void snapshot_copy_with_pages(
    struct snapshot *s, struct snapshot_prefetch *list, struct snapshot_piece *pieces, size_t n);

/* The copied bytes at va, and *n, the number of bytes to the end of the copy; valid until the
 * next copy is made or dropped. NULL: va is not copied. */
const uint8_t *snapshot_copied(struct snapshot *s, uint64_t va, size_t *n);

/* Put n bytes, read elsewhere, at va, as a copy of its own. Where it overlaps older copies they
 * stay, and fill what it leaves out. False: out of memory. */
bool snapshot_put(struct snapshot *s, uint64_t va, const uint8_t *bytes, size_t n);

/* Drop the copy that begins at lo, if there is one. */
void snapshot_drop(struct snapshot *s, uint64_t lo);

/* True if a copy begins at lo and no later copy has taken part of it. */
bool snapshot_whole(const struct snapshot *s, uint64_t lo);

/* Read n bytes (SNAPSHOT_KEPT at most) at va and keep them for reads after the seal, unless a
 * copy has them: the code at the pc of an LWP. Replaces what was kept of the same place. */
enum { SNAPSHOT_KEPT = 64 };
void snapshot_keep(struct snapshot *s, uint64_t va, size_t n);

/* Read the address space that was grabbed only, even if the process executes another program. */
void snapshot_read_same(struct snapshot *s);

enum { SNAPSHOT_AGAIN_MAX = 1024 };
/* Copy all cached pages once more, in few calls. False: there are more than SNAPSHOT_AGAIN_MAX, one
 * could not be read then or now, or the deadline has passed. */
bool snapshot_copy_again(struct snapshot *s);
/* True if that succeeded, if no page was cached since, and if each has the same bytes in both
 * copies. */
bool snapshot_again_same(const struct snapshot *s);
/* Prepare memory for that, and for the pages of the list, while nothing waits. Reads nothing. */
void snapshot_pages_ready(struct snapshot *s, const struct snapshot_prefetch *list);

/* Forget all cached pages, but not copies and kept bytes. They are read again. */
void snapshot_forget(struct snapshot *s);

/* Stop reading memory that can change; or allow it again for a while. */
void snapshot_seal(struct snapshot *s);
void snapshot_unseal(struct snapshot *s);

#endif
