/* The frame-pointer walk of Pstack_iter.
 *
 *   fp ─> ┌ saved fp   ─> the caller's record
 *         └ return pc
 *
 * Records need not be at ascending addresses. The walk ends when a record repeats. */
#include <string.h>

#include "base/addrmap.h"
#include "base/owned.h"
#include "proc/arguments.h"
#include "proc/handle.h"

enum { STACK_FRAMES_LIMIT = 1 << 22 }; /* more than any stack has: 64 MiB of records */

int Pstack_iter(struct ps_prochandle *P, const prgregset_t regs, proc_stack_f *func, void *cd)
{
	long argv[ARGUMENTS_MAX] = { 0 };
	size_t word = handle_arch(P)->pointer_size;
	OWNED(addrmap_free) struct addrmap seen = ADDRMAP_EMPTY;
	prgregset_t at;
	uint32_t ignored;

	memcpy(at, regs, sizeof(at));
	for (size_t n = 0; n < STACK_FRAMES_LIMIT; n++) {
		uint64_t fp = (uint64_t)at[R_FP];
		uint8_t bytes[2 * sizeof(uint64_t)];
		uint64_t record[2] = { 0, 0 };
		bool has_record;
		uint_t argc = 0;
		int result;

		if ((fp == 0 && at[R_PC] == 0) || (fp != 0 && addrmap_get(&seen, fp, &ignored)))
			return 0;
		if (fp != 0 && !addrmap_put(&seen, fp, 0))
			return -1;
		has_record = fp != 0 && Pread(P, bytes, 2 * word, (uintptr_t)fp) == (ssize_t)(2 * word);
		if (has_record) {
			memcpy(&record[0], bytes, word);
			memcpy(&record[1], bytes + word, word);
			argc = arguments_of(
			    P, &(struct arguments_frame){ (uintptr_t)at[R_PC], n == 0, fp, record[1] }, argv);
		}
		result = func(cd, at, argc, argv);
		if (result != 0 || !has_record)
			return result;
		at[R_FP] = (prgreg_t)record[0];
		at[R_PC] = (prgreg_t)record[1];
	}
	return 0;
}
