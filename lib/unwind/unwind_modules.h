/* PRIVATE to lib/unwind: the mapping of a pc, and what has its call frame information. */
#ifndef UNWIND_UNWIND_MODULES_H
#define UNWIND_UNWIND_MODULES_H

#include <libproc.h>

#include "unwind/cfi_entry.h"

/* A mapping, and what describes its code. */
struct region {
	uint64_t lo, hi;
	uint64_t bias;
	struct cfi_finder *finder; /* NULL: nothing does */
};

struct regions;

/* P must outlive it. NULL: out of memory. */
struct regions *regions_create(struct ps_prochandle *P);
void regions_destroy(struct regions *e); /* NULL ok */

/* The region of a pc, made when it is new; valid until the next call. NULL: not in a mapping, or no memory. */
const struct region *regions_at(struct regions *e, uint64_t pc);

#endif
