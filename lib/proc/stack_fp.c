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
	size_t word = Pstatus(P)->pr_dmodel == PR_MODEL_ILP32 ? sizeof(uint32_t) : sizeof(uint64_t);
	OWNED(addrmap_free) struct addrmap seen = ADDRMAP_EMPTY;
	prgregset_t at;
	uint32_t ignored;

	memcpy(at, regs, sizeof(at));
	for (size_t n = 0; n < STACK_FRAMES_LIMIT; n++) {
		uint64_t fp = (uint64_t)at[R_FP];
		uint8_t bytes[2 * sizeof(uint64_t)];
		uint64_t record[2] = { 0, 0 };
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
		if (Pread(P, bytes, 2 * word, (uintptr_t)fp) != (ssize_t)(2 * word))
			return 0;
		memcpy(&record[0], bytes, word);
		memcpy(&record[1], bytes + word, word);
		at[R_FP] = (prgreg_t)record[0];
		at[R_PC] = (prgreg_t)record[1];
	}
	return 0;
}
