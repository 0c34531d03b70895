/* A copy of part of a process, behind a libproc handle of its own.
 *
 *        while filling                          sealed
 *   Pread ──> pages, ranges ──miss──> live    Pread ──> pages, ranges ──miss──> live, but only where
 *                  ^──── kept ─────────┘                                        memory cannot change
 *
 * While the target is held, everything that is read through the handle is kept; after the seal the
 * same reads give the same bytes, whatever the target does. */
#ifndef CAPTURE_SNAPSHOT_H
#define CAPTURE_SNAPSHOT_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"

struct snapshot;

/* A filling snapshot of live, whose mappings and files it shares. live must outlive it (it may have
 * exited or been released of holds; it may not be Preleased). */
enum res snapshot_create(struct ps_prochandle *live, struct snapshot **out, struct fault *f);
void snapshot_destroy(struct snapshot *s); /* NULL ok; ends its handle too */

/* Its handle (PS_STOP); owned by the snapshot. */
struct ps_prochandle *snapshot_handle(const struct snapshot *s);

/* Copy [lo, hi) of the target, now. Returns the bytes that could be read from lo on. No byte has two
 * copies: where an older one begins this one ends, and what an older one has from lo on is forgotten. */
size_t snapshot_copy(struct snapshot *s, uint64_t lo, uint64_t hi);

/* A part of a process to be copied; got: what snapshot_copy would return. Of one above SNAPSHOT_LARGE that is
 * sparse, private anonymous memory, pages that were never touched are left out: they count as read, and cannot be. */
enum { SNAPSHOT_LARGE = 1 << 20 };
struct snapshot_piece {
	uint64_t lo, hi;
	size_t got;
	bool sparse;
};

/* From this moment of CLOCK_MONOTONIC (ns) on nothing is fetched: large copies end, reads of what is not there fail; 0: never. Has
 * something failed for that since the last call? */
bool snapshot_until(struct snapshot *s, int64_t ns);

/* Copy many at once. */
void snapshot_copy_pieces(struct snapshot *s, struct snapshot_piece *pieces, size_t n);

/* A prefetch list: pages that will probably be read (SNAPSHOT_PREFETCH_MAX at most), to be fetched with the next copies. */
enum { SNAPSHOT_PREFETCH_MAX = 256 }; /* a held target waits for them, wanted or not */
struct snapshot_prefetch {            /* a VEC of page numbers */
	uint64_t *at;
	size_t n, cap;
};
bool snapshot_prefetch_full(const struct snapshot_prefetch *list);
/* Add the pages of [va, va + n). Without memory, or room, they are not added. */
void snapshot_prefetch_add(struct snapshot_prefetch *list, uint64_t va, size_t n);
/* Until this is called with NULL, add the pages that are fetched to answer reads. While the list is full nothing is
 * fetched: such reads fail. */
void snapshot_prefetch_record(struct snapshot *s, struct snapshot_prefetch *list);
/* Copy the pieces as snapshot_copy_pieces does, and with the first of them fetch the pages of the list, which is empty then.
 * A page that cannot be read is not tried again until it is forgotten. */
void snapshot_copy_with_pages(
    struct snapshot *s, struct snapshot_prefetch *list, struct snapshot_piece *pieces, size_t n);

/* The bytes of the copy that holds va, *n from there to its end; valid until the next is made or dropped. NULL: none does. */
const uint8_t *snapshot_copied(struct snapshot *s, uint64_t va, size_t *n);

/* Forget the copy that begins at lo, if there is one. */
void snapshot_drop(struct snapshot *s, uint64_t lo);

/* Is there a copy that begins at lo and has lost nothing to a later one? */
bool snapshot_whole(const struct snapshot *s, uint64_t lo);

/* Read n bytes (SNAPSHOT_KEPT at most) at va, and have them at the end, when nothing is read any more, if no copy has
 * them: the code that an LWP stands in. What was kept of the same place before is replaced. */
enum { SNAPSHOT_KEPT = 64 };
void snapshot_keep(struct snapshot *s, uint64_t va, size_t n);

/* Forget whatever else was read through the handle, but for what is kept: it is read anew. */
void snapshot_forget(struct snapshot *s);

/* From now on nothing that can change is read any more; or again, for a while. */
void snapshot_seal(struct snapshot *s);
void snapshot_unseal(struct snapshot *s);

#endif
