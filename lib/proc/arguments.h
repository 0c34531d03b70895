/* Arguments of a frame found by frame pointer. */
#ifndef PROC_ARGUMENTS_H
#define PROC_ARGUMENTS_H

#include <libproc.h>
#include <stdbool.h>

enum { ARGUMENTS_MAX = 6 };

struct arguments_frame {
	uintptr_t pc;
	bool exact;  /* pc is the next instruction; else the one after a call */
	uint64_t fp; /* not 0 */
	uint64_t ra; /* return address */
};

/* Write the arguments of the frame's function to argv. Returns their number.
 *
 * x86-64: the argument registers (System V ABI) that the function's first instructions store in its
 * frame, in order from the first argument. The function may have changed the stored values since.
 * i386: the words above the return address, as many as the caller removes after the call, else
 * ARGUMENTS_MAX. */
uint_t arguments_of(struct ps_prochandle *P, const struct arguments_frame *frame, long argv[ARGUMENTS_MAX]);

#endif
