/* PRIVATE to lib/unwind: the mapping of a pc, and what has its call frame information. */
#ifndef UNWIND_UNWIND_MODULES_H
#define UNWIND_UNWIND_MODULES_H

#include <libproc.h>

#include "unwind/cfi_entry.h"

/* A mapping, and what describes its code. */
struct module {
	uint64_t lo, hi;
	uint64_t bias;
	struct cfi_finder *finder; /* NULL: nothing does */
};

struct modules;

/* P must outlive it. NULL: out of memory. */
struct modules *modules_create(struct ps_prochandle *P);
void modules_destroy(struct modules *e); /* NULL ok */

/* The region of a pc, made when it is new; valid until the next call. NULL: not in a mapping, or no memory. */
const struct module *modules_at(struct modules *e, uint64_t pc);

#endif
