/* Arguments of a frame that was reached by frame pointer. */
#ifndef PROC_ARGUMENTS_H
#define PROC_ARGUMENTS_H

#include <libproc.h>
#include <stdbool.h>

enum { ARGUMENTS_MAX = 6 };

/* Those of the function at pc, whose frame pointer is fp and which returns to ra: to argv. Returns how many. fp != 0.
 * x86-64: what its first instructions store of the registers that pass arguments (System V ABI), from the first one on, as long
 * as it is their place; the function may have changed it since, as any variable. i386: the words above the return address, as
 * many as the caller takes off the stack behind the call, else ARGUMENTS_MAX. */
uint_t arguments_of(
    struct ps_prochandle *P, uintptr_t pc, bool exact, uint64_t fp, uint64_t ra, long argv[ARGUMENTS_MAX]);

#endif
