/* Each LWP has a slot, which one of the two threads takes. */
#include "capture/capture_ahead.h"
#include "os/blocked.h"

#include <libproc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/thread.h"

enum {
	WORTH = 64,          /* fewer LWPs are captured before a thread has started */
	AHEAD = 128,         /* LWPs: a result that is older is outdated more often */
	LEAP = 16,           /* LWPs captured together */
	PATIENCE_NS = 50000, /* between checks of the progress of the capture */
	NAME = 64,
	STACK = 64 * 1024,
};

/* State of a look: the thread that changes FREE to BEGUN does it. */
enum { FREE, BEGUN, READY, TAKEN };

struct slot {
	lwpid_t id;
	atomic_int look_state, name_state;
	enum os_lwp_state look;
	struct os_blocked blocked;
	char name[NAME];
};

struct capture_ahead {
	struct ps_prochandle *live;
	pthread_t thread;
	atomic_bool stop;
	atomic_size_t at; /* LWP that is captured now */
	size_t next;      /* after the LWP whose name was asked for last */
	size_t n;
	struct slot slots[];
};

static bool slot_begin(atomic_int *state)
{
	int free_one = FREE;

	return atomic_compare_exchange_strong(state, &free_one, BEGUN);
}

/* Wait for the other thread, which is reading a small file of the kernel. */
static void slot_wait(const atomic_int *state)
{
	while (atomic_load(state) == BEGUN)
		(void)sched_yield();
}

static void slot_look(struct capture_ahead *a, struct slot *s)
{
	if (!slot_begin(&s->look_state))
		return;
	s->look = os_lwp_probe(a->live, s->id, &s->blocked);
	atomic_store(&s->look_state, READY);
}

static void slot_name(struct capture_ahead *a, struct slot *s)
{
	if (!slot_begin(&s->name_state))
		return;
	if (Plwp_getname(a->live, s->id, s->name, sizeof(s->name)) != 0)
		s->name[0] = '\0';
	atomic_store(&s->name_state, READY);
}

/* Look at LWPs from the first on, but not right before the capture, which would wait for each
 * look: LWPs that the capture has reached are left to it. */
static bool look_all(struct capture_ahead *a)
{
	static const struct timespec patience = { 0, PATIENCE_NS };

	for (size_t i = 0; i < a->n; i++) {
		size_t at;

		while ((at = atomic_load(&a->at)) + AHEAD < i && !atomic_load(&a->stop))
			(void)nanosleep(&patience, NULL);
		if (atomic_load(&a->stop))
			return false;
		if (i <= at)
			i = at + LEAP;
		if (i < a->n)
			slot_look(a, &a->slots[i]);
	}
	return true;
}

/* Names are asked for from the first on as well: so begin at the last. */
static void name_all(struct capture_ahead *a)
{
	for (size_t i = a->n; i-- > 0 && !atomic_load(&a->stop);)
		slot_name(a, &a->slots[i]);
}

static void *ahead_work(void *arg)
{
	struct capture_ahead *a = arg;

	if (look_all(a))
		name_all(a);
	return NULL;
}

/* Start the thread, with all signals blocked. */
static bool ahead_start(struct capture_ahead *a)
{
	sigset_t all, before;
	bool started;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	started = thread_start(&a->thread, STACK, ahead_work, a);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

struct capture_ahead *capture_ahead_start(struct ps_prochandle *live, const lwpid_t *ids, size_t n)
{
	struct capture_ahead *a;

	if (n < WORTH || !os_probe_ahead_prepare(live, n))
		return NULL;
	a = calloc(1, sizeof(*a) + n * sizeof(a->slots[0]));
	if (a == NULL)
		return NULL;
	a->live = live;
	a->n = n;
	for (size_t i = 0; i < n; i++) {
		a->slots[i].id = ids[i];
		a->slots[i].blocked = (struct os_blocked)OS_BLOCKED_INIT;
	}
	if (ahead_start(a))
		return a;
	free(a);
	return NULL;
}

bool capture_ahead_look(
    struct capture_ahead *a, size_t i, lwpid_t id, enum os_lwp_state *out_look, struct os_blocked *out)
{
	struct slot *s;

	if (a == NULL || i >= a->n)
		return false;
	s = &a->slots[i];
	if (s->id != id || atomic_load(&s->look_state) == TAKEN)
		return false;
	atomic_store(&a->at, i);
	slot_look(a, s);
	slot_wait(&s->look_state);
	atomic_store(&s->look_state, TAKEN);
	*out_look = s->look;
	*out = s->blocked;
	return true;
}

bool capture_ahead_name(struct capture_ahead *a, lwpid_t id, char *buf, size_t n)
{
	for (size_t i = a == NULL ? 0 : a->next; a != NULL && i < a->n; i++) {
		struct slot *s = &a->slots[i];

		if (s->id != id)
			continue;
		slot_name(a, s);
		slot_wait(&s->name_state);
		(void)snprintf(buf, n, "%s", s->name);
		a->next = i + 1;
		return true;
	}
	return false;
}

void capture_ahead_end(struct capture_ahead *a)
{
	if (a == NULL)
		return;
	atomic_store(&a->stop, true);
	(void)pthread_join(a->thread, NULL);
	for (size_t i = 0; i < a->n; i++) {
		if (atomic_load(&a->slots[i].look_state) == READY)
			os_blocked_free(&a->slots[i].blocked);
	}
	free(a);
}
