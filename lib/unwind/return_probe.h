/* PRIVATE to lib/unwind: return probes (uretprobes), which replace return addresses on the stack.
 *
 * While such a probe is in place, the kernel puts the address of a trampoline into the place of the
 * probed function's return address, and keeps the address where the target's memory does not show
 * it (Linux kernel/events/uprobes.c). The rest of the stack is as it was:
 *
 *   function     │ …                    │
 *                │ address of trampoline │ instead of that after some call of the function
 *   caller's sp >│ …                    │ its frame: its size depends on the place of that call
 *                │ return address       │ a call of the caller precedes it
 *
 * So all calls of the function are searched for in the target's code, and the frame is tried that
 * the caller has at each of them:
 *
 *  - the caller's return address follows a call that names the caller: the caller is proven;
 *  - the caller's return address is the trampoline's, too, which is at the end of a frame and
 *    nowhere else: the caller is proven if it is the only one whose frame ends there;
 *  - it follows a call through a register, and the rest of the stack can be unwound: likely. A
 *    function that called this one through a pointer, with a frame of that size, would fit, too. */
#ifndef UNWIND_RETURN_PROBE_H
#define UNWIND_RETURN_PROBE_H

#include "unwind/frame_search.h"

/* The trampoline of P's return probes. 0: there is none, and no other code has that address. */
uint64_t return_probe_trampoline(struct ps_prochandle *P);

enum return_probe_caller {
	RETURN_PROBE_UNKNOWN,   /* no place is proven, or several that differ in what follows them */
	RETURN_PROBE_REGISTERS, /* places cannot be tried without more registers */
	RETURN_PROBE_CALLER,    /* one place is proven */
	RETURN_PROBE_SEVERAL,   /* several in one function, with the same frame */
	RETURN_PROBE_LIKELY,    /* none is proven; this one fits, and no other function's does */
	RETURN_PROBE_BEYOND     /* several in different functions, but their caller is the same */
};

struct return_probes;

/* NULL: out of memory. */
struct return_probes *return_probes_create(void);
void return_probes_destroy(struct return_probes *r); /* NULL ok */

/* Find the caller of the function that begins at `function`, and has returned to the trampoline
 * with the registers of *a. Set *a to it (CALLER, LIKELY; SEVERAL: one of them), or to its caller
 * (BEYOND). */
enum return_probe_caller return_probe_find(
    struct return_probes *r, const struct frame_search *g, uint64_t function, struct activation *a);

#endif
