/* PRIVATE to lib/unwind: mappings of code, and what describes it. Cached. */
#ifndef UNWIND_UNWIND_MODULES_H
#define UNWIND_UNWIND_MODULES_H

#include <libproc.h>

#include "elf/symbols.h"
#include "unwind/cfi_entry.h"

struct module {
	uint64_t lo, hi;           /* of the mapping, or of a piece of made code in it */
	uint64_t bias;             /* of its object: add to addresses of the file */
	struct cfi_finder *finder; /* of its object; NULL: nothing describes the code */
	struct elf_symbols *made;  /* of made code; NULL: it is none, or nothing describes it */
};

struct modules;

/* P must outlive it. NULL: out of memory. */
struct modules *modules_create(struct ps_prochandle *P);
void modules_destroy(struct modules *e); /* NULL ok */

/* The module that pc is in; valid until the next call. NULL: pc is in no mapping, or out of
 * memory. */
const struct module *modules_at(struct modules *e, uint64_t pc);

#endif
