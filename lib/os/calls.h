/* System calls that LWPs wait in. linux_calls.c, illumos_calls.c. */
#ifndef OS_CALLS_H
#define OS_CALLS_H

#include <libproc.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"

struct os_hold;

/* A system call and its arguments, in order. */
struct os_call {
	int32_t number;   /* −1: none */
	const char *name; /* by os_call_name, which the caller asks once; NULL: unknown */
	uint64_t args[ARCH_ARGS];
};
#define OS_CALL_INIT         \
	{                    \
		.number = -1 \
	}

/* The name of a system call. A constant; NULL: not known. */
const char *os_call_name(const struct arch *arch, int32_t number);

/* If the call is the one by which the kernel resumes an interrupted call (restart_syscall(2)), and
 * the code in front of the pc, where the LWP continues, says which call that was: make it this one.
 * Arguments are taken from the registers if `all` of them are known; else they are in *call, since
 * both calls have the same. If it is another call nothing is read of P. */
void os_call_resumed(
    struct ps_prochandle *P, const struct arch *arch, const prgregset_t regs, bool all, struct os_call *call);

/* The call in which the i-th LWP of h, which is held, was interrupted. */
void os_hold_call_of(struct ps_prochandle *P, const struct os_hold *h, size_t i, struct os_call *out);

/* The call in which an LWP with this status sleeps. */
void os_status_call(const lwpstatus_t *status, struct os_call *out);

/* How an LWP does not run. */
enum os_rest {
	OS_REST_UNKNOWN, /* or it runs */
	OS_REST_SLEEP,   /* signals interrupt it */
	OS_REST_DISK,    /* they do not */
	OS_REST_STOPPED, /* a signal has stopped it */
	OS_REST_TRACED,  /* its tracer has stopped it */
};

/* True if LWPs of live P may have been stopped when it was grabbed. Opens nothing. */
bool os_may_be_stopped(struct ps_prochandle *P);

/* True if an LWP of live P that is blocked in `call` has to be asked for its rest. False: it
 * sleeps, as all do in this call. Opens nothing. */
bool os_rest_varies(struct ps_prochandle *P, const struct os_call *call);

/* Asks for it. Opens a file. */
enum os_rest os_lwp_rest(struct ps_prochandle *P, lwpid_t id);

/* The longest time that a call waits, in nanoseconds. */
enum os_timeout {
	OS_TIMEOUT_NONE,  /* it waits without a limit, or the limit is unknown */
	OS_TIMEOUT_AFTER, /* from its start */
	OS_TIMEOUT_LEFT,  /* from now on: it waits until a time */
};

/* That of a call of P, whose architecture is arch. Reads memory of P. live: the process, whose
 * clocks tell what is left of a wait; NULL: P is a core. */
enum os_timeout os_call_timeout(struct ps_prochandle *P, const struct arch *arch, struct ps_prochandle *live,
    const struct os_call *call, int64_t *ns);

/* The address of the word that the call waits at until another thread wakes it (futex(2)). 0: it
 * does not. */
uint64_t os_call_futex(const struct os_call *call);

/* The address of the mutex of the C library that the call waits for. 0: none. It may still be
 * something else: see os_mutex_owner. */
uint64_t os_call_mutex(const struct os_call *call);

/* The LWP, in the numbering of the target, that holds the mutex at `at`, which another one waits
 * for. 0: none, or it is not a mutex. os_mutex_owner_now: of a live process, at this moment. */
lwpid_t os_mutex_owner(struct ps_prochandle *P, uint64_t at);
lwpid_t os_mutex_owner_now(struct ps_prochandle *live, uint64_t at);

#endif
