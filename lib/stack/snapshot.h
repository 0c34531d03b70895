/* A copy of part of a process, behind a libproc handle of its own.
 *
 *        while filling                          sealed
 *   Pread ──> pages, ranges ──miss──> live    Pread ──> pages, ranges ──miss──> live, but only where
 *                  ^──── kept ─────────┘                                        memory cannot change
 *
 * While the target is held, everything that is read through the handle is kept; after the seal the
 * same reads give the same bytes, whatever the target does. */
#ifndef STACK_SNAPSHOT_H
#define STACK_SNAPSHOT_H

#include <libproc.h>

#include "base/fault.h"

struct snapshot;

/* A filling snapshot of live, whose mappings and files it shares. live must outlive it (it may have
 * exited or been released of holds; it may not be Preleased). */
enum res snapshot_create(struct ps_prochandle *live, struct snapshot **out, struct fault *f);
void snapshot_destroy(struct snapshot *s); /* NULL ok; ends its handle too */

/* Its handle (PS_STOP); owned by the snapshot. */
struct ps_prochandle *snapshot_handle(const struct snapshot *s);

/* Copy [lo, hi) of the target in one piece, now. Returns the bytes that could be read from lo on. */
size_t snapshot_copy(struct snapshot *s, uint64_t lo, uint64_t hi);

/* From now on nothing that can change is read any more. */
void snapshot_seal(struct snapshot *s);

#endif
