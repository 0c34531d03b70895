/* The memory that there is for a run (--memory). All that allocates draws on it: refusals.c asks
 * for each allocation. */
#ifndef PYSTACK_BOUNDS_MEMORY_H
#define PYSTACK_BOUNDS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limit the memory of this run. bytes 0: to 1 GB, or a quarter of the machine's if that is less.
 * Without this call there is no limit. */
void bounds_memory_begin(uint64_t bytes);

/* True if n more bytes may be allocated. Costs an addition; after some 32 MB also system calls, now
 * and then. Small allocations may go beyond the limit by an eighth, so that what was had can be
 * printed. Any thread may call it. */
bool bounds_memory_allows(size_t n);

/* The limit, in bytes, if it has refused something since the last call; else 0. */
uint64_t bounds_memory_refused(void);

#endif
