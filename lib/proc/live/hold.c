/* Stopping LWPs and releasing them: the only place that uses ptrace.
 *
 * A tracer is a thread. The kernel releases what the tracer still holds when it ends, so each hold
 * has a thread of its own.
 *
 *   caller                     tracer thread
 *   hold_lwps ── starts ─────> SEIZE and INTERRUPT each LWP of /proc/PID/task
 *                              wait for the stops, get registers; again for new LWPs
 *             <── ready ────── waits
 *   reads memory …
 *   hold_release ── go ──────> DETACH each, the last one stopped first; ends
 *             <── joined ─────
 *
 * With hold_during the tracer thread itself reads the memory in between.
 *
 * The end of that thread matters for an LWP that cannot be detached because it never stopped. An
 * LWP in uninterruptible sleep (a vfork parent, a hung file system) would otherwise stop when it
 * wakes up, for as long as this program lives. The end matters also if the whole program is killed.
 *
 * States that waitid(2) reports (ptrace(2)); si_status is the code of the stop:
 *
 *   signal number alone           signal-delivery-stop: the signal is delivered with the detach
 *   SIGTRAP | EVENT_STOP << 8     the interrupt
 *   SIGSTOP… | EVENT_STOP << 8    group-stop: the target was stopped already; after the detach the
 *                                 kernel stops it again, or lets it run if SIGCONT came since
 *
 * Stops are looked at with WNOWAIT. A signal-delivery-stop that is waited for without it hands the
 * signal over to the tracer, with which it would be lost. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/addrmap.h"
#include "base/bound.h"
#include "base/clock.h"
#include "base/owned.h"
#include "base/thread.h"
#include "proc/handle.h"
#include "proc/live/hold_lwp.h"
#include "proc/live/hold_lock.h"
#include "proc/live/hold_urgent.h"
#include "proc/live/live.h"
#include "proc/made_code.h"

enum {
	SLICE_NS = 10 * 1000 * 1000, /* the longest wait for a SIGCHLD before all are looked at */
	AWAKE_NS = 100 * 1000,
	TURN_MS = 300, /* others hold for 100 ms at most */
	TRACER_STACK = 256 * 1024,
	IDLE_PASSES = 100,            /* lists without new LWPs while the number of LWPs does not match */
	EXPLAIN_NS = 2 * 1000 * 1000, /* of a hold, to read the states of LWPs that did not stop */
};

struct hold_tracer {
	struct hold *h;
	const struct live *live;
	const char *set;
	const struct hold_call *call; /* NULL: hold_lwps */
	int ms;
	size_t listed;           /* LWPs in the last list */
	int64_t begin, deadline; /* of the wait; CLOCK_MONOTONIC, ns */
	bool any;                /* some LWP is stopped */
	struct hold_urgency urgency;
	bool threaded, lost; /* lost: the list of LWPs could not be read; */
	int lost_sys;        /* its errno, ENOENT or ESRCH: the process is gone */
	pthread_t thread;
	sem_t ready, go;
	struct addrmap seen; /* TID -> index in h->lwps */
};

/* State letter in /proc; '\0': there is no such LWP. */
static char state_letter(const struct hold_tracer *t, lwpid_t id)
{
	char path[LIVE_PATH];
	struct live_stat st;

	live_lwp_path(path, id, "stat");
	return live_stat_read(t->live->dir, path, &st, NULL) == RES_OK ? st.state : '\0';
}

static bool has_ended(char letter)
{
	return letter == '\0' || letter == 'Z' || letter == 'X';
}

static void seize_lwp(const struct hold_tracer *t, struct hold_lwp *l)
{
	if (ptrace(PTRACE_SEIZE, l->id, NULL, NULL) == 0) {
		/* Until it stops it counts as late. It may have ended instead. */
		l->state = HOLD_TIMEOUT;
		return;
	}
	l->sys = errno;
	/* EPERM is also the error for an LWP that has ended: a main thread that waits for the
	 * others. */
	if (l->sys == ESRCH || has_ended(state_letter(t, l->id))) {
		l->state = HOLD_GONE;
		return;
	}
	l->state = HOLD_REFUSED;
	/* Find out now, because another tracer may be gone a moment later. */
	l->code = hold_why_refused(t->live->pid, l->id, l->why, sizeof(l->why));
}

/* Have LWPs been stopped for as long as they may wait for others? */
static bool deadline_is_over(const struct hold_tracer *t)
{
	return t->call != NULL && t->any && clock_now_ns() >= t->deadline;
}

/* Seizing stops nothing, so all LWPs are seized first, which shortens the time between the first
 * stop and the last. LWPs for which no time is left are removed from the list. */
static void stop_from(struct hold_tracer *t, size_t from)
{
	struct hold *h = t->h;

	for (size_t i = from; i < h->lwps.n; i++) {
		if (deadline_is_over(t))
			h->lwps.n = i;
		else
			seize_lwp(t, &h->lwps.at[i]);
	}
	if (t->call != NULL && h->lwps.n > from)
		hold_urgent_begin(&t->urgency);
	for (size_t i = from; i < h->lwps.n; i++) {
		if (h->lwps.at[i].state == HOLD_TIMEOUT)
			(void)ptrace(PTRACE_INTERRUPT, h->lwps.at[i].id, NULL, NULL);
	}
}

/* --- waiting --- */

/* The first LWP has stopped. */
static void limit_wait(struct hold_tracer *t)
{
	int64_t limit = t->call == NULL ? 0 : t->call->limit_ns;
	int64_t end = clock_now_ns() + limit;

	t->any = true;
	if (limit != 0 && end < t->deadline)
		t->deadline = end;
}

static size_t look_at_all(struct hold_tracer *t)
{
	struct hold *h = t->h;
	size_t pending = 0;

	for (size_t i = 0; i < h->lwps.n; i++) {
		struct hold_lwp *l = &h->lwps.at[i];

		if (l->state == HOLD_TIMEOUT)
			hold_lwp_look(l, t->live->is_32bit);
		if (l->state == HOLD_TIMEOUT)
			pending++;
		if (l->state == HOLD_HELD && !t->any)
			limit_wait(t);
	}
	return pending;
}

/* The end of a main thread that ends before the others is not reported until they end, but /proc
 * shows it. */
static void look_for_ended(const struct hold_tracer *t)
{
	for (size_t i = 0; i < t->h->lwps.n && !deadline_is_over(t); i++) {
		struct hold_lwp *l = &t->h->lwps.at[i];

		if (l->state == HOLD_TIMEOUT && has_ended(state_letter(t, l->id)))
			hold_lwp_gone(l);
	}
}

/* Reap LWPs that were killed while they were held or before. An execve kills all other threads of
 * its process, and does not go on, nor stop, until each of them is reaped. */
static void reap_killed(const struct hold_tracer *t)
{
	for (size_t i = 0; i < t->h->lwps.n && !deadline_is_over(t); i++) {
		struct hold_lwp *l = &t->h->lwps.at[i];

		if ((l->state == HOLD_HELD || l->state == HOLD_GONE) && hold_lwp_has_ended(l->id))
			hold_lwp_gone(l);
	}
}

/* A running LWP stops within a few microseconds, less than sleeping and waking up takes. So at
 * first this thread does not sleep. */
static void await_stops(struct hold_tracer *t)
{
	int64_t awake = clock_now_ns() + AWAKE_NS;
	sigset_t chld;

	(void)sigemptyset(&chld);
	(void)sigaddset(&chld, SIGCHLD);
	while (look_at_all(t) > 0) {
		int64_t left = t->deadline - clock_now_ns();
		struct timespec slice = { 0, left < SLICE_NS ? left : SLICE_NS };

		if (left <= 0)
			break;
		if (clock_now_ns() < awake) {
			(void)sched_yield();
			continue;
		}
		if (bound_passed(BOUND_STACKS))
			break;
		if (sigtimedwait(&chld, NULL, &slice) < 0 && errno == EAGAIN)
			look_for_ended(t);
		reap_killed(t);
	}
}

/* Other LWPs are stopped in the meantime, so of many late LWPs only the first ones are examined. */
static void explain_timeouts(const struct hold_tracer *t)
{
	int64_t now = clock_now_ns(), waited = (now - t->begin) / 1000000;
	int ms = waited < t->ms ? (int)waited : t->ms;
	bool blocked;

	for (size_t i = 0; i < t->h->lwps.n; i++) {
		struct hold_lwp *l = &t->h->lwps.at[i];

		if (l->state != HOLD_TIMEOUT)
			continue;
		blocked = clock_now_ns() - now < EXPLAIN_NS && state_letter(t, l->id) == 'D';
		(void)snprintf(l->why, sizeof(l->why), "%s%d ms",
		    blocked ? "it is in uninterruptible sleep and did not stop within "
			    : "it did not stop within ",
		    ms);
	}
}

/* --- the two halves of the tracer's work --- */

static bool is_wanted(const struct hold_tracer *t, lwpid_t id)
{
	return t->call != NULL ? t->call->wants(t->call->data, id, t->any ? t->deadline : 0)
			       : proc_lwp_in_set(t->set, id) != 0;
}

/* Append LWPs that are new in the task directory, as HOLD_GONE, unless no time is left for them.
 * False: the list cannot be read. */
static bool list_new(struct hold_tracer *t)
{
	struct live_ids ids = VEC_EMPTY;
	bool ok;

	errno = 0;
	ok = live_ids_read(t->live->dir, &ids) == RES_OK;
	t->lost_sys = ok || errno == 0 ? ENOMEM : errno;
	for (size_t i = 0; ok && i < ids.n && !deadline_is_over(t); i++) {
		struct hold_lwp l = { .id = ids.at[i], .state = HOLD_GONE };
		uint32_t index;

		if (addrmap_get(&t->seen, (uint64_t)l.id, &index))
			continue;
		if (!addrmap_put(&t->seen, (uint64_t)l.id, 0))
			ok = false;
		else if (is_wanted(t, l.id))
			ok = vec_push(&t->h->lwps, l);
	}
	t->listed = ids.n;
	vec_free(&ids);
	return ok;
}

/* Is every LWP known? The list of a directory that changes may miss some, because the kernel's walk
 * ends at an LWP that has just died. The link count of the task directory is the number of LWPs
 * (Linux fs/proc/base.c). If it equals the number of known LWPs that still exist, there can be no
 * other, since only an LWP that is not held can create one. The count is read first, so an LWP that
 * dies after it leads to another pass and not to a wrong result. */
static bool knows_all(const struct hold_tracer *t)
{
	struct stat st;
	size_t known = 0;

	if (t->set != NULL || fstatat(t->live->dir, "task", &st, 0) != 0)
		return false;
	/* LWPs that are not wanted may come and go at any time, so the number in the last list
	 * suffices. */
	if (t->call != NULL)
		return st.st_nlink == t->listed + 2;
	for (size_t i = 0; i < t->h->lwps.n; i++) {
		const struct hold_lwp *l = &t->h->lwps.at[i];

		if (l->state != HOLD_GONE || state_letter(t, l->id) != '\0')
			known++;
	}
	return st.st_nlink == known + 2;
}

static void collect_lwps(struct hold_tracer *t)
{
	struct hold *h = t->h;
	int idle = 0;

	for (;;) {
		size_t from = h->lwps.n;

		if (!list_new(t)) {
			t->lost = true;
			break;
		}
		/* The first choice of LWPs may take long, because nothing is stopped yet. */
		if (t->deadline == 0) {
			t->begin = clock_now_ns();
			t->deadline = t->begin + (int64_t)t->ms * 1000000;
		}
		if (t->set != NULL && h->lwps.n == from)
			break;
		stop_from(t, from);
		await_stops(t);
		if (knows_all(t) || clock_now_ns() >= t->deadline)
			break;
		if (h->lwps.n != from)
			continue;
		if (++idle == IDLE_PASSES)
			break;
		(void)sched_yield(); /* to an LWP that is dying and will soon leave the list */
	}
	explain_timeouts(t);
}

static void let_go(struct hold *h, bool is_32bit)
{
	for (size_t i = h->lwps.n; i-- > 0;) {
		struct hold_lwp *l = &h->lwps.at[i];
		bool late = l->state == HOLD_TIMEOUT;

		/* A late LWP may have stopped since. */
		if (late)
			hold_lwp_look(l, is_32bit);
		if (l->state != HOLD_HELD)
			continue;
		if (late)
			l->state = HOLD_TIMEOUT; /* its `why` has been reported */
		if (ptrace(PTRACE_DETACH, l->id, NULL, (void *)(intptr_t)l->signo) != 0)
			hold_lwp_note_end(l->id); /* killed while it was held */
	}
}

static void call_held(struct hold_tracer *t)
{
	collect_lwps(t);
	t->call->held(t->call->data, t->h);
	let_go(t->h, t->live->is_32bit);
	if (t->any)
		t->h->held_ns = clock_now_ns() - t->begin;
	hold_urgent_end(&t->urgency);
}

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem) != 0 && errno == EINTR)
		;
}

static void *tracer_main(void *arg)
{
	struct hold_tracer *t = arg;

	if (t->call != NULL) {
		call_held(t);
		return NULL;
	}
	collect_lwps(t);
	(void)sem_post(&t->ready);
	wait_for(&t->go);
	let_go(t->h, t->live->is_32bit);
	return NULL;
}

/* --- the caller's side --- */

/* Start the tracer thread, or do its work here if it cannot be created, as under a limit of
 * processes. */
static void run_tracer(struct hold_tracer *t)
{
	t->threaded = thread_start(&t->thread, TRACER_STACK, tracer_main, t);
	if (t->threaded && t->call != NULL)
		(void)pthread_join(t->thread, NULL);
	else if (t->threaded)
		wait_for(&t->ready);
	else if (t->call != NULL)
		call_held(t);
	else
		collect_lwps(t);
}

/* The kernel sends SIGCHLD for a tracee's stop only if SIGCHLD is not ignored, and any thread that
 * has it unblocked could consume it. Signals that end this program stay unblocked and end it at
 * once; then the kernel releases the LWPs. */
static void run_with_sigchld(struct hold_tracer *t)
{
	static const struct timespec at_once = { 0, 0 };
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction dfl, old_action;
	sigset_t all, chld, old_mask;

	memset(&dfl, 0, sizeof(dfl));
	dfl.sa_handler = SIG_DFL;
	(void)sigfillset(&all);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		(void)sigdelset(&all, ending[i]);
	(void)sigemptyset(&chld);
	(void)sigaddset(&chld, SIGCHLD);
	(void)pthread_sigmask(SIG_BLOCK, &all, &old_mask);
	(void)sigaction(SIGCHLD, &dfl, &old_action);
	run_tracer(t);
	while (sigtimedwait(&chld, NULL, &at_once) > 0)
		;
	(void)sigaction(SIGCHLD, &old_action, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
}

/* Nothing is held: report the most informative reason. */
static enum res none_held(const struct hold_tracer *t, struct fault *f)
{
	const struct hold_lwp *refused = NULL, *late = NULL;

	for (size_t i = 0; i < t->h->lwps.n; i++) {
		const struct hold_lwp *l = &t->h->lwps.at[i];

		if (l->state == HOLD_REFUSED && refused == NULL)
			refused = l;
		if (l->state == HOLD_TIMEOUT && late == NULL)
			late = l;
	}
	if (refused != NULL)
		return fault_set(f, refused->code, refused->sys, 0, "%s", refused->why);
	if (late != NULL)
		return fault_set(f, G_STRANGE, ETIMEDOUT, 0, "%s", late->why);
	if (t->h->lwps.n == 0 && !t->lost)
		return fault_set(f, G_BADLWPS, 0, 0, "no matching LWPs found");
	if (t->lost && t->lost_sys != ENOENT && t->lost_sys != ESRCH)
		return fault_set(
		    f, G_STRANGE, t->lost_sys, 0, "its threads cannot be listed: %s", strerror(t->lost_sys));
	return fault_set(f, G_NOPROC, ESRCH, 0, "the process has exited");
}

static bool any_held(const struct hold *h)
{
	for (size_t i = 0; i < h->lwps.n; i++)
		if (h->lwps.at[i].state == HOLD_HELD)
			return true;
	return false;
}

/* The common part of both ways to hold. RES_FAIL: nothing was started. */
static enum res begin_hold(
    struct ps_prochandle *P, const struct hold_tracer *plan, struct hold *h, struct fault *f)
{
	struct live *live = live_of(P);
	struct hold_tracer *t;
	int turn_ms;

	memset(h, 0, sizeof(*h));
	h->P = P;
	if (live == NULL)
		return fault_set(f, G_NOPROC, 0, 0, "only a live process can be held");
	if (live->holding != NULL)
		return fault_set(f, G_BUSY, 0, 0, "this handle holds the process already");
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return fault_memory(f);
	*t = *plan;
	t->h = h;
	t->live = live;
	(void)sem_init(&t->ready, 0, 0);
	(void)sem_init(&t->go, 0, 0);
	h->tracer = t;
	live->holding = h;
	/* A program that has the lock for longer than a hold takes is not a tool that holds. It is
	 * not waited for again. */
	turn_ms = live->locked ? 0 : t->ms < TURN_MS ? t->ms : TURN_MS;
	live->locked = !hold_turn_take(live->mem, turn_ms);
	if (live->locked)
		live->turn_ms += turn_ms;
	run_with_sigchld(t);
	addrmap_free(&t->seen);
	return RES_OK;
}

/* The tracer has ended, or is told to end; nothing is held after this. */
static void finish_hold(struct hold *h)
{
	struct hold_tracer *t = h->tracer;
	struct live *live = live_of(h->P);

	h->tracer = NULL;
	hold_turn_give(t->live->mem);
	(void)sem_destroy(&t->ready);
	(void)sem_destroy(&t->go);
	free(t);
	if (live != NULL && live->holding == h)
		live->holding = NULL;
}

enum res hold_lwps(struct ps_prochandle *P, const char *set, int ms, struct hold *h, struct fault *f)
{
	const struct hold_tracer plan = { .set = set, .ms = ms };
	enum res r = begin_hold(P, &plan, h, f);

	if (r != RES_OK || any_held(h))
		return r;
	r = none_held(h->tracer, f);
	hold_release(h);
	return r;
}

enum res hold_during(
    struct ps_prochandle *P, const struct hold_call *call, int ms, struct hold *h, struct fault *f)
{
	const struct hold_tracer plan = { .call = call, .ms = ms };
	enum res r = begin_hold(P, &plan, h, f);

	if (r != RES_OK)
		return r;
	if (!any_held(h) && (h->lwps.n > 0 || h->tracer->lost))
		r = none_held(h->tracer, f);
	finish_hold(h);
	return r;
}

void hold_release(struct hold *h)
{
	struct hold_tracer *t = h->tracer;

	if (t == NULL)
		return;
	if (t->threaded) {
		(void)sem_post(&t->go);
		(void)pthread_join(t->thread, NULL);
	} else {
		let_go(h, t->live->is_32bit);
	}
	finish_hold(h);
}

void hold_free(struct hold *h)
{
	hold_release(h);
	vec_free(&h->lwps);
}

void hold_share_objects(struct ps_prochandle *captured, struct ps_prochandle *live)
{
	struct proc_objects *o = handle_objects(live);

	captured->arch = live->arch;
	if (o == NULL || captured->objects == o)
		return;
	/* The process has gone on since an earlier copy. */
	made_codes_destroy(o->made);
	o->made = NULL;
	o->origin = live;
	objects_unref(captured->objects);
	captured->objects = objects_ref(o);
	o->read = handle_read_raw;
	o->read_data = captured;
}
