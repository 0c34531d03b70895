/* PRIVATE to lib/capture: the copied ranges of a snapshot, in order.
 *
 *     room │      │ at ──> lowest … highest │      │      there is free room at both ends
 *
 * The stacks of a process's threads are copied in the order of their creation: mostly from the
 * highest address down, in which each new range is the first one. */
#ifndef CAPTURE_SNAPSHOT_RANGES_H
#define CAPTURE_SNAPSHOT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One contiguous copy, or a part of one. */
struct range {
	uint64_t lo, hi;
	uint8_t *bytes;
	bool cut;     /* a later copy has taken its end */
	uint64_t of;  /* start of the copy that it belongs to */
	size_t large; /* bytes that count as those of large copies */
};

struct ranges {
	struct range *at; /* n of them, ordered by lo, without overlap */
	size_t n;
	struct range *room; /* owned; has room for cap */
	size_t cap;
};

/* Insert a range before the i-th one; i <= n. Moves what is before or after it, whichever is less.
 * False: out of memory; nothing has changed. */
bool ranges_insert(struct ranges *r, size_t i, struct range it);

/* Remove the i-th one, whose bytes are the caller's. */
void ranges_remove(struct ranges *r, size_t i);

/* Free the bytes of all ranges, and their room. */
void ranges_free(struct ranges *r);

#endif
