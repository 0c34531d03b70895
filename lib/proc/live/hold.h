/* Holding single LWPs of a live process by ptrace. PRIVATE: included by lib/proc and lib/os only.
 *
 * Rules that every path keeps: PTRACE_SEIZE and PTRACE_INTERRUPT only, no signal is ever sent, no wait
 * without a bound, no EXITKILL. A stop's event is looked at with WNOWAIT, so that if pystack is killed
 * at any moment the kernel detaches and a signal that was on its way still arrives. A target that was
 * stopped by job control is stopped again after the detach (measured, doc/INTERNALS.md). */
#ifndef PROC_HOLD_H
#define PROC_HOLD_H

#include <libproc.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/vec.h"

enum hold_state {
	HOLD_HELD,    /* stopped by us; regs valid */
	HOLD_GONE,    /* exited meanwhile */
	HOLD_REFUSED, /* the kernel refused the seize: sys says why (EPERM: traced by another) */
	HOLD_TIMEOUT, /* did not stop in time (D state, vfork): not held, reason in `why` */
};

struct hold_lwp {
	lwpid_t id;
	enum hold_state state;
	int sys;
	int code;         /* for REFUSED: G_BUSY, G_PERM or G_ISAINVAL */
	int signo;        /* signal to hand on at detach, 0 none */
	long syscall;     /* what the kernel keeps as orig_rax; negative: none, or i386's */
	prgregset_t regs; /* all of them, with FSBASE and GSBASE */
	char why[160];    /* for REFUSED and TIMEOUT: a phrase for the user, else "" */
};

struct hold_tracer; /* hold.c: the thread that traces; all are let go at its end at the latest */

struct hold {
	struct ps_prochandle *P;
	VEC(struct hold_lwp) lwps;  /* in the order of /proc/PID/task */
	struct hold_tracer *tracer; /* NULL: nothing is held (any more) */
};

/* Seize and interrupt every LWP of P that `set` (grammar of proc_lwp_in_set, NULL all) holds, all at
 * once, then wait for them together, at most `ms` milliseconds in all; LWPs born meanwhile are taken
 * too, until a pass finds none. *h is filled also on RES_FAIL (release it in any case). RES_FAIL: the
 * process is gone, or not one LWP could be held; f says why. Needs SIGCHLD blocked or default: it is
 * blocked inside and restored. One hold of a handle at a time: while Pgrab's own or another is in force,
 * RES_FAIL with G_BUSY. *h must not be moved before it is released, nor P be released. */
enum res hold_lwps(struct ps_prochandle *P, const char *set, int ms, struct hold *h, struct fault *f);

/* What to do during a hold. */
struct hold_call {
	/* Is this LWP to be held? Asked once of each LWP. end: 0, or LWPs stand still already, and the answer
	 * has to be there by then (CLOCK_MONOTONIC, ns); later nobody is asked, and LWPs that are new are not
	 * held. */
	bool (*wants)(void *data, lwpid_t id, int64_t end);
	void (*held)(void *data, const struct hold *h); /* called once, with everything held that can be */
	void *data;
	/* Once the first LWP stands still those that have not stopped are waited for so long and no longer; 0: the same as for
	 * all together. */
	int limit_ms;
};

/* Like hold_lwps of the LWPs that are wanted, then held(), then hold_release: all of it in the thread that traces, so
 * that between the stops and the release nobody waits for another thread's turn. LWPs are stopped in the order of
 * /proc/PID/task and let go in the opposite one, and all are when it returns. Not one LWP wanted is no failure. */
enum res hold_during(
    struct ps_prochandle *P, const struct hold_call *call, int ms, struct hold *h, struct fault *f);

/* Let every held LWP go, each as it was found, handing on pending signals. Idempotent. */
void hold_release(struct hold *h);
void hold_free(struct hold *h); /* hold_release and free */

/* Let `captured` (of Pgrab_ops) use the mappings and files of `live`; live may be released after.
 * Mappings are those of the moment of the live grab. Reads that
 * objects do go through the captured handle from now on. */
void hold_share_objects(struct ps_prochandle *captured, struct ps_prochandle *live);

/* Why LWP `id` of process `pid` may not be read or held, found out after the kernel said EPERM or EACCES:
 * a phrase for the user in buf ("traced by strace (pid 4242)", "it belongs to user 33, …; run as …"), which
 * may be "". Returns G_BUSY (traced), G_PERM or G_NOPROC (there is no such process). */
int hold_why_refused(pid_t pid, lwpid_t id, char *buf, size_t n);

/* The kernel's name of a process, as it is: to be escaped by whoever prints it; "?" unknown. */
void hold_process_name(pid_t pid, char *buf, size_t n);

#endif
