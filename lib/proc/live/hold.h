/* Holding single LWPs of a live process by ptrace. PRIVATE: included by lib/proc and lib/os only.
 *
 * Rules: only PTRACE_SEIZE and PTRACE_INTERRUPT are used; no signal is sent; every wait is bounded;
 * EXITKILL is not set. A stop is looked at with WNOWAIT: if pystack is killed at any moment, the
 * kernel detaches, and a pending signal is still delivered. A target stopped by job control is
 * stopped again after the detach (measured, doc/INTERNALS.md). */
#ifndef PROC_HOLD_H
#define PROC_HOLD_H

#include <libproc.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/vec.h"

enum hold_state {
	HOLD_HELD,    /* stopped by this hold; regs are valid */
	HOLD_GONE,    /* exited in the meantime */
	HOLD_REFUSED, /* the kernel refused the seize: see sys (EPERM: traced by another) */
	HOLD_TIMEOUT, /* did not stop in time (D state, vfork), so not held: see `why` */
};

struct hold_lwp {
	lwpid_t id;
	enum hold_state state;
	int sys;
	int code;         /* for REFUSED: G_BUSY, G_PERM or G_ISAINVAL */
	int signo;        /* signal to deliver at detach; 0: none */
	long syscall;     /* the number of its system call; negative: no call */
	prgregset_t regs; /* with the thread pointer */
	char why[160];    /* for REFUSED and TIMEOUT: a phrase for the user, else "" */
};

struct hold_tracer; /* hold.c: the tracer thread; all LWPs are released when it ends */

struct hold {
	struct ps_prochandle *P;
	VEC(struct hold_lwp) lwps;  /* in the order of /proc/PID/task */
	struct hold_tracer *tracer; /* NULL: nothing is held */
	/* hold_during: from before the first stop until after the last release; 0: none stopped */
	int64_t held_ns;
};

/* Seize and interrupt every LWP of P in `set` (syntax of proc_lwp_in_set; NULL: all) at once, then
 * wait for all stops, at most `ms` milliseconds in total. New LWPs are held too, until a pass finds
 * none. *h is filled even on RES_FAIL and must be released in any case. RES_FAIL: the process is
 * gone, or no LWP could be held; see f. SIGCHLD must be blocked or have its default action; it is
 * blocked during the call. A handle has one hold at a time: if another is in force, also Pgrab's
 * own, RES_FAIL with G_BUSY. *h must not be moved, nor P released, before *h is released. */
enum res hold_lwps(struct ps_prochandle *P, const char *set, int ms, struct hold *h, struct fault *f);

/* What to do during a hold. */
struct hold_call {
	/* True if this LWP is to be held. Called once for each LWP. end: 0, or the time
	 * (CLOCK_MONOTONIC, ns) at which the answer must be there, because other LWPs are stopped
	 * already. It is not called after that time, and LWPs that are new then are not held. */
	bool (*wants)(void *data, lwpid_t id, int64_t end);
	void (*held)(void *data, const struct hold *h); /* called once, with all that could be held */
	void *data;
	/* The longest wait for further stops once the first LWP has stopped; 0: until `ms` has
	 * passed. */
	int64_t limit_ns;
};

/* Like hold_lwps of the wanted LWPs, then held(), then hold_release. The tracer thread does all of
 * it, so that nothing waits for another thread to be scheduled between the stops and the release.
 * LWPs are stopped in the order of /proc/PID/task and released in the opposite order, all before
 * the call returns. It is not an error if no LWP is wanted. */
enum res hold_during(
    struct ps_prochandle *P, const struct hold_call *call, int ms, struct hold *h, struct fault *f);

/* Release every held LWP in the state in which it was found, and deliver pending signals.
 * Idempotent. */
void hold_release(struct hold *h);
void hold_free(struct hold *h); /* hold_release and free */

/* Let `captured` (of Pgrab_ops) use the mappings and files of `live`, which may be released
 * afterwards. The mappings are those at the time of the live grab. From now on objects read memory
 * through the captured handle. */
void hold_share_objects(struct ps_prochandle *captured, struct ps_prochandle *live);

/* Find out why LWP `id` of process `pid` cannot be read or held, after the kernel returned EPERM or
 * EACCES. Writes a phrase for the user to buf ("traced by strace (pid 4242)", "it belongs to user
 * 33, …; run as …"), which may be "". Returns G_BUSY (traced), G_PERM or G_NOPROC (no such
 * process). */
int hold_why_refused(pid_t pid, lwpid_t id, char *buf, size_t n);

/* The kernel's name of a process, not escaped; "?": unknown. */
void hold_process_name(pid_t pid, char *buf, size_t n);

#endif
