/* Mappings of a live process as they are now, and the pages in use. linux_mapped.c,
 * linux_touched.c, illumos.c. */
#ifndef OS_MAPPINGS_H
#define OS_MAPPINGS_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_range {
	uint64_t lo, hi;
	bool anon; /* private memory without a file */
};

/* The mapping of live P that contains each of n addresses now; the handle's own list may be older.
 * hi 0: there is none, or it is unknown. Must not be called while LWPs are held. */
void os_mapped_now(struct ps_prochandle *P, const uint64_t *va, size_t n, struct os_range *out);

/* The runs of pages in private anonymous memory [lo, hi) of live P that were ever touched,
 * ascending. Reading an untouched page costs both processes time. Pages of unknown state are taken
 * for touched. Returns the number of runs, at most `room`; they cover [lo, *upto). */
size_t os_touched(
    struct ps_prochandle *P, uint64_t lo, uint64_t hi, struct os_range *out, size_t room, uint64_t *upto);

/* A number that changes when code is mapped into live P or unmapped; 0: unknown. */
uint64_t os_code_token(struct ps_prochandle *P);
/* The number of the mappings that P's handle has. */
uint64_t os_code_token_grabbed(struct ps_prochandle *P);

#endif
