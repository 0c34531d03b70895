/* What snapshot.c and snapshot_copy.c share. PRIVATE to lib/capture. */
#ifndef CAPTURE_SNAPSHOT_STATE_H
#define CAPTURE_SNAPSHOT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addrmap.h"
#include "base/vec.h"
#include "capture/snapshot.h"
#include "capture/snapshot_ranges.h"

enum {
	PAGE = 4096,
	ARENA = 64 * PAGE,        /* pages are allocated in blocks of this size */
	SNAPSHOT_AGAIN_PART = 64, /* pages that are read again in one call */
	ABSENT = (int)-1,         /* in the page map: the page is unreadable */
};

/* Bytes kept for reads after the seal, within one page. */
struct kept {
	uint64_t va;
	size_t n;
	uint32_t next; /* the previous one in this page, or NO_KEPT */
	uint8_t bytes[SNAPSHOT_KEPT];
};
#define NO_KEPT UINT32_MAX

struct snapshot {
	struct ps_prochandle *live, *handle;
	pstatus_t status; /* only what is constant: pid and data model */
	bool same;        /* by snapshot_read_same */
	bool sealed;
	struct ranges ranges;
	size_t last;          /* the range of the last read */
	struct addrmap pages; /* page number -> index of its copy */
	VEC(uint8_t *) arenas;
	VEC(uint64_t) numbers;              /* of the pages that the arenas have room for */
	uint32_t used;                      /* page copies in arenas */
	uint32_t again;                     /* second copies of all these, behind them; 0: none */
	bool absent;                        /* a page was found to be unreadable */
	struct snapshot_prefetch *recorded; /* during snapshot_prefetch_by, else NULL */
	int64_t until;                      /* set by snapshot_until */
	bool late;
	bool missed;  /* a read was cut short */
	size_t large; /* bytes of large copies */
	VEC(struct kept) kept;
	struct addrmap kept_in; /* page number -> index of its latest kept bytes */
};

/* Page copy i, PAGE bytes. */
static inline uint8_t *snapshot_page(const struct snapshot *s, uint32_t i)
{
	return s->arenas.at[i / (ARENA / PAGE)] + (size_t)(i % (ARENA / PAGE)) * PAGE;
}

/* Make room for page copy i. False: out of memory. */
bool snapshot_page_room(struct snapshot *s, uint32_t i);

/* Index of the first range that ends above addr. */
size_t snapshot_range_above(const struct snapshot *s, uint64_t addr);

/* True if the deadline of snapshot_until has passed; this is remembered until its next call. */
bool snapshot_deadline_passed(struct snapshot *s);

#endif
