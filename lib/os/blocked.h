/* LWPs that do not run, observed without stopping them. linux_blocked.c, illumos.c. */
#ifndef OS_BLOCKED_H
#define OS_BLOCKED_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"

/* The position of an LWP that is blocked or stopped, and a token of how much it had run. */
struct os_blocked {
	uint64_t pc, sp; /* where it continues in the program */
	bool in_call;    /* it is in a system call, and args is valid */
	int32_t number;  /* of that call; −1: none, or unknown */
	/* The argument registers at entry of the call, in order; unchanged since. */
	uint64_t args[ARCH_ARGS];
	int fd;         /* source of the token, kept open for os_lwp_still_blocked; -1: closed */
	char count[64]; /* the token */
};
#define OS_BLOCKED_INIT                \
	{                              \
		.number = -1, .fd = -1 \
	}

enum os_lwp_state {
	OS_LWP_BLOCKED, /* it is blocked in the kernel, or stopped */
	OS_LWP_RUNS,    /* it runs, or may run at any moment */
	OS_LWP_GONE,    /* it has ended */
	OS_LWP_UNKNOWN, /* the system cannot tell, or refuses to */
};

/* Observe LWP id of live P without disturbing it. pc and sp are set only for OS_LWP_BLOCKED. The
 * caller closes *a with os_blocked_free. */
enum os_lwp_state os_lwp_probe(struct ps_prochandle *P, lwpid_t id, struct os_blocked *a);

/* True if the LWP has not run since os_lwp_probe filled *a. Its stack and its own data, if read in
 * between, are then consistent. */
bool os_lwp_still_blocked(struct ps_prochandle *P, lwpid_t id, const struct os_blocked *a);

/* Close a->fd. */
void os_blocked_free(struct os_blocked *a);

/* Prepare for a second thread that looks at n LWPs of live P and asks for their names while this
 * one reads it. Must be called before that thread starts: it enlarges the table of descriptors.
 * False: a second thread is not possible, or no processor is free for it. */
bool os_probe_ahead_prepare(struct ps_prochandle *P, size_t n);

#endif
