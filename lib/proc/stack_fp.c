/* The frame-pointer walk of Pstack_iter.
 *
 *   fp ─> ┌ saved fp   ─> the caller's record
 *         └ return pc
 *
 * Records need not lie at growing addresses; a record seen twice ends the walk. */
#include <string.h>

#include "base/addrmap.h"
#include "base/owned.h"
#include "proc/handle.h"

enum { STACK_FRAMES_LIMIT = 1 << 22 }; /* more than any stack has: 64 MiB of nothing but records */

int Pstack_iter(struct ps_prochandle *P, const prgregset_t regs, proc_stack_f *func, void *cd)
{
	static const long no_args[1] = { 0 };
	OWNED(addrmap_free) struct addrmap seen = ADDRMAP_EMPTY;
	prgregset_t at;
	uint32_t ignored;

	memcpy(at, regs, sizeof(at));
	for (size_t n = 0; n < STACK_FRAMES_LIMIT; n++) {
		uint64_t fp = (uint64_t)at[R_FP];
		long record[2];
		int result;

		if (fp == 0 && at[R_PC] == 0)
			return 0;
		result = func(cd, at, 0, no_args);
		if (result != 0)
			return result;
		if (fp == 0 || addrmap_get(&seen, fp, &ignored))
			return 0;
		if (!addrmap_put(&seen, fp, 0))
			return -1;
		if (Pread(P, record, sizeof(record), (uintptr_t)fp) != (ssize_t)sizeof(record))
			return 0;
		at[R_FP] = record[0];
		at[R_PC] = record[1];
	}
	return 0;
}
