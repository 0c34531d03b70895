/* Stopping LWPs and letting them go: the only place that uses ptrace.
 *
 * A tracer is a thread, and whatever it still holds when it ends is let go by the kernel: so each hold has
 * a thread of its own.
 *
 *   caller                     tracer thread
 *   hold_lwps ── starts ─────> SEIZE and INTERRUPT each LWP of /proc/PID/task
 *                              wait for the stops, registers; again for newborn ones
 *             <── ready ────── waits
 *   reads memory …
 *   hold_release ── go ──────> DETACH each, the last one stopped first; ends
 *             <── joined ─────
 *
 * hold_during has the memory read between the two by the tracer thread itself.
 *
 * The end of that thread matters for what cannot be detached because it never stopped: an LWP in
 * uninterruptible sleep (a vfork parent, a hung file system) would otherwise stop whenever it wakes up, for
 * as long as this program lives. It matters again if the whole program is killed.
 *
 * What a wait shows (ptrace(2)), si_status being the stop's code:
 *   signal number alone           signal-delivery-stop: the signal is handed on with the detach
 *   SIGTRAP | EVENT_STOP << 8     the interrupt
 *   SIGSTOP… | EVENT_STOP << 8    group-stop: the target was stopped already; after the detach the kernel
 *                                 has it stop again, or run if SIGCONT came meanwhile
 * Stops are looked at with WNOWAIT: once a signal-delivery-stop has been waited for in earnest, the signal is
 * in the tracer's hands, and would be lost with it. */
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
#include "base/clock.h"
#include "base/owned.h"
#include "base/thread.h"
#include "proc/handle.h"
#include "proc/live/hold_lwp.h"
#include "proc/live/hold_lock.h"
#include "proc/live/hold_urgent.h"
#include "proc/live/live.h"

enum {
	SLICE_NS = 10 * 1000 * 1000, /* look anyway after so long without a SIGCHLD */
	AWAKE_NS = 100 * 1000,
	TURN_MS = 300, /* others hold for 100 ms at most */
	TRACER_STACK = 256 * 1024,
	IDLE_PASSES = 100,            /* lists without news, while the number of LWPs is not explained */
	EXPLAIN_NS = 2 * 1000 * 1000, /* of a hold, for the states of LWPs that did not stop */
};

struct hold_tracer {
	struct hold *h;
	const struct live *live;
	const char *set;
	const struct hold_call *call; /* NULL: hold_lwps */
	int ms;
	size_t listed;           /* LWPs that the last list had */
	int64_t begin, deadline; /* of waiting; CLOCK_MONOTONIC, ns */
	bool any;                /* something stands still */
	struct hold_urgency urgency;
	bool threaded, lost; /* lost: the list of LWPs could not be read, */
	int lost_sys;        /* for this reason, ENOENT or ESRCH: the process is gone */
	pthread_t thread;
	sem_t ready, go;
	struct addrmap seen; /* TID -> index in h->lwps */
};

/* State letter of /proc; '\0' when there is no such LWP. */
static char state_letter(const struct hold_tracer *t, lwpid_t id)
{
	char path[LIVE_PATH];
	struct live_stat st;

	live_lwp_path(path, id, "stat");
	return live_stat_read(t->live->dir, path, &st, NULL) == RES_OK ? st.state : '\0';
}

static bool ended(char letter)
{
	return letter == '\0' || letter == 'Z' || letter == 'X';
}

static void seize(const struct hold_tracer *t, struct hold_lwp *l)
{
	if (ptrace(PTRACE_SEIZE, l->id, NULL, NULL) == 0) {
		/* Until it stops it counts as not having stopped in time. It may have ended by itself. */
		l->state = HOLD_TIMEOUT;
		return;
	}
	l->sys = errno;
	/* EPERM is also the answer for one that has ended: a main thread that waits for the others. */
	if (l->sys == ESRCH || ended(state_letter(t, l->id))) {
		l->state = HOLD_GONE;
		return;
	}
	l->state = HOLD_REFUSED;
	/* Asked now: another tracer may be gone a moment later. */
	l->code = hold_why_refused(t->live->pid, l->id, l->why, sizeof(l->why));
}

/* LWPs stand still, and have done so for as long as they are to wait for others. */
static bool is_over(const struct hold_tracer *t)
{
	return t->call != NULL && t->any && clock_now_ns() >= t->deadline;
}

/* Seizing stops nobody: first all of that, so that little lies between the first stop and the last.
 * LWPs for which there is no time left are taken off the list. */
static void stop_from(struct hold_tracer *t, size_t from)
{
	struct hold *h = t->h;

	for (size_t i = from; i < h->lwps.n; i++) {
		if (is_over(t))
			h->lwps.n = i;
		else
			seize(t, &h->lwps.at[i]);
	}
	if (t->call != NULL && h->lwps.n > from)
		hold_urgent_begin(&t->urgency);
	for (size_t i = from; i < h->lwps.n; i++) {
		if (h->lwps.at[i].state == HOLD_TIMEOUT)
			(void)ptrace(PTRACE_INTERRUPT, h->lwps.at[i].id, NULL, NULL);
	}
}

/* --- waiting --- */

/* The first one stands still. */
static void limit_wait(struct hold_tracer *t)
{
	int64_t limit = t->call == NULL ? 0 : (int64_t)t->call->limit_ms * 1000000;
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
			hold_lwp_look(l, t->live->narrow);
		if (l->state == HOLD_TIMEOUT)
			pending++;
		if (l->state == HOLD_HELD && !t->any)
			limit_wait(t);
	}
	return pending;
}

/* A main thread that ends before the others is not announced until they have: /proc tells. */
static void look_for_ended(const struct hold_tracer *t)
{
	for (size_t i = 0; i < t->h->lwps.n && !is_over(t); i++) {
		struct hold_lwp *l = &t->h->lwps.at[i];

		if (l->state == HOLD_TIMEOUT && ended(state_letter(t, l->id)))
			hold_lwp_gone(l);
	}
}

/* What runs stops within some microseconds, fewer than it takes to be put to sleep and woken: at first nobody sleeps. */
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
		if (sigtimedwait(&chld, NULL, &slice) < 0 && errno == EAGAIN)
			look_for_ended(t);
	}
}

/* The others wait meanwhile: of many LWPs only the first ones are looked at. */
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

static bool wanted(const struct hold_tracer *t, lwpid_t id)
{
	return t->call != NULL ? t->call->wants(t->call->data, id, t->any ? t->deadline : 0)
			       : proc_lwp_in_set(t->set, id) != 0;
}

/* LWPs in the task directory that were not there before: appended as HOLD_GONE. Those for which there is
 * no time left are not. False: cannot tell. */
static bool list_new(struct hold_tracer *t)
{
	struct live_ids ids = VEC_EMPTY;
	bool ok;

	errno = 0;
	ok = live_ids_read(t->live->dir, &ids) == RES_OK;
	t->lost_sys = ok || errno == 0 ? ENOMEM : errno;
	for (size_t i = 0; ok && i < ids.n && !is_over(t); i++) {
		struct hold_lwp l = { .id = ids.at[i], .state = HOLD_GONE };
		uint32_t index;

		if (addrmap_get(&t->seen, (uint64_t)l.id, &index))
			continue;
		if (!addrmap_put(&t->seen, (uint64_t)l.id, 0))
			ok = false;
		else if (wanted(t, l.id))
			ok = vec_push(&t->h->lwps, l);
	}
	t->listed = ids.n;
	vec_free(&ids);
	return ok;
}

/* Is every LWP known? Listing a directory whose entries come and go may miss some: the kernel's walk ends
 * at an LWP that has just died. But the task directory's link count tells how many there are (Linux
 * fs/proc/base.c): if that is explained by those that still exist of the ones we know, there can be no
 * other, since only an LWP that is not held can make one. The count comes first: what dies after it
 * leads to another pass, never to a wrong yes. */
static bool complete(const struct hold_tracer *t)
{
	struct stat st;
	size_t known = 0;

	if (t->set != NULL || fstatat(t->live->dir, "task", &st, 0) != 0)
		return false;
	/* Of those that are not to be held some may come and go at any time: as many as were listed will do. */
	if (t->call != NULL)
		return st.st_nlink == t->listed + 2;
	for (size_t i = 0; i < t->h->lwps.n; i++) {
		const struct hold_lwp *l = &t->h->lwps.at[i];

		if (l->state != HOLD_GONE || state_letter(t, l->id) != '\0')
			known++;
	}
	return st.st_nlink == known + 2;
}

static void collect(struct hold_tracer *t)
{
	struct hold *h = t->h;
	int idle = 0;

	for (;;) {
		size_t from = h->lwps.n;

		if (!list_new(t)) {
			t->lost = true;
			break;
		}
		/* Who asks whether an LWP is wanted may have looked at it for long: as long as nobody stands still. */
		if (t->deadline == 0) {
			t->begin = clock_now_ns();
			t->deadline = t->begin + (int64_t)t->ms * 1000000;
		}
		if (t->set != NULL && h->lwps.n == from)
			break;
		stop_from(t, from);
		await_stops(t);
		if (complete(t) || clock_now_ns() >= t->deadline)
			break;
		if (h->lwps.n != from)
			continue;
		if (++idle == IDLE_PASSES)
			break;
		(void)sched_yield(); /* to one that is dying, whose place will be free at once */
	}
	explain_timeouts(t);
}

static void let_go(struct hold *h, bool narrow)
{
	for (size_t i = h->lwps.n; i-- > 0;) {
		struct hold_lwp *l = &h->lwps.at[i];
		bool late = l->state == HOLD_TIMEOUT;

		/* One that was late may have stopped by now. */
		if (late)
			hold_lwp_look(l, narrow);
		if (l->state != HOLD_HELD)
			continue;
		if (late)
			l->state = HOLD_TIMEOUT; /* what was told of it stays */
		if (ptrace(PTRACE_DETACH, l->id, NULL, (void *)(intptr_t)l->signo) != 0)
			hold_lwp_note_end(l->id); /* killed while it was held */
	}
}

static void call_held(struct hold_tracer *t)
{
	collect(t);
	t->call->held(t->call->data, t->h);
	let_go(t->h, t->live->narrow);
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
	collect(t);
	(void)sem_post(&t->ready);
	wait_for(&t->go);
	let_go(t->h, t->live->narrow);
	return NULL;
}

/* --- the caller's side --- */

/* Start the tracer's thread, or do its work here if there cannot be one (a limit on processes). */
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
		collect(t);
}

/* The kernel sends SIGCHLD for a tracee's stop only if it is not ignored, and any thread that has it
 * unblocked could swallow it. Those that are to end this program do so at once: then the kernel lets go what is held. */
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

/* Nothing is held: the most telling reason. */
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

/* Either way of holding, as far as both are the same. RES_FAIL: nothing is begun. */
static enum res begin(
    struct ps_prochandle *P, const struct hold_tracer *plan, struct hold *h, struct fault *f)
{
	struct live *live = live_of(P);
	struct hold_tracer *t;

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
	/* Whoever has the lock for longer than a hold lasts is no tool that holds: it is not waited for a second time. */
	live->locked = !hold_turn_take(live->dir, live->locked ? 0 : t->ms < TURN_MS ? t->ms : TURN_MS);
	run_with_sigchld(t);
	addrmap_free(&t->seen);
	return RES_OK;
}

/* The tracer has ended or is told to; nothing is held any more. */
static void finish(struct hold *h)
{
	struct hold_tracer *t = h->tracer;
	struct live *live = live_of(h->P);

	h->tracer = NULL;
	hold_turn_give(t->live->dir);
	(void)sem_destroy(&t->ready);
	(void)sem_destroy(&t->go);
	free(t);
	if (live != NULL && live->holding == h)
		live->holding = NULL;
}

enum res hold_lwps(struct ps_prochandle *P, const char *set, int ms, struct hold *h, struct fault *f)
{
	const struct hold_tracer plan = { .set = set, .ms = ms };
	enum res r = begin(P, &plan, h, f);

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
	enum res r = begin(P, &plan, h, f);

	if (r != RES_OK)
		return r;
	if (!any_held(h) && (h->lwps.n > 0 || h->tracer->lost))
		r = none_held(h->tracer, f);
	finish(h);
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
		let_go(h, t->live->narrow);
	}
	finish(h);
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
	objects_unref(captured->objects);
	captured->objects = objects_ref(o);
	o->read = handle_read_raw;
	o->read_data = captured;
}
