/* The order in which a live process is captured: as little as possible is held, as late and as short as possible.
 *
 *   list the LWPs ─> asleep? ─> again, some times ─> hold the rest ─> new LWPs? ─> what is left: loose
 *
 * What is of one moment with what: the LWPs that were held, together. Of the others each by itself; those that have not run
 * until the others were held are of their moment too. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/owned.h"
#include "capture/capture.h"
#include "capture/capture_ahead.h"
#include "capture/lwp_history.h"
#include "os/blocked.h"
#include "os/lwps.h"
#include "os/read.h"

enum {
	ROUNDS = 3,            /* looks at what may be asleep */
	ROUNDS_NO_STOP = 12,   /* where there is no other way */
	PAUSE_NS = 500 * 1000, /* between those */
	HOLDS = 6,  /* each may find that another has run since it was read asleep; few are needed */
	PASSES = 4, /* over LWPs that were born meanwhile */
};

struct ids { /* a VEC */
	size_t *at;
	size_t n, cap;
};

static void ids_release(struct ids *v)
{
	vec_free(v);
}

static void lwpids_release(os_lwpids *v)
{
	vec_free(v);
}

/* Add the LWPs that are not known yet; late: they are younger than the first list. *news: there were some. */
static enum res list(struct capture *c, const char *set, bool late, bool *news, struct fault *f)
{
	OWNED(lwpids_release) os_lwpids ids = VEC_EMPTY;
	OWNED(mem_release) uint64_t *pointers = NULL;
	enum res res = os_lwp_list(c->live, &ids, f);
	size_t n = 0;

	*news = false;
	if (res != RES_OK)
		return res;
	c->all = ids.n;
	for (size_t i = 0; i < ids.n; i++) {
		uint32_t before;

		if (proc_lwp_in_set(set, ids.at[i]) && !addrmap_get(&c->known, (uint64_t)ids.at[i], &before))
			ids.at[n++] = ids.at[i];
	}
	pointers = calloc(n + 1, sizeof(*pointers));
	if (pointers == NULL)
		return fault_memory(f);
	os_thread_pointers(c->live, ids.at, n, pointers);
	for (size_t i = 0; i < n; i++) {
		int64_t at = capture_add(c, ids.at[i], pointers[i]);

		if (at < 0)
			return fault_memory(f);
		c->lwps.at[at].late = late;
	}
	capture_stacks_find(c, c->lwps.n - n);
	*news = n != 0;
	return RES_OK;
}

static enum res pending(const struct capture *c, struct ids *out, struct fault *f)
{
	out->n = 0;
	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].state == CAPTURE_PENDING && !vec_push(out, i))
			return fault_memory(f);
	}
	return RES_OK;
}

/* One that has ended leaves its stack to another: where that was copied over its own, only one of them is right. */
static void drop_overlapped(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->state == CAPTURE_DONE && l->copies[0] != 0 &&
		    !snapshot_whole(c->snapshot, l->copies[0]) &&
		    (l->known_regs == REGS_ALL || !os_lwp_still_asleep(c->live, l->id, &l->asleep)))
			capture_undo(c, l);
	}
}

/* What does not run, or stops doing so soon. */
static enum res take_asleep(struct capture *c, int rounds, const struct timespec *pause, struct fault *f)
{
	OWNED(ids_release) struct ids left = VEC_EMPTY;

	capture_states_prove(c);
	for (int i = 0; i < rounds; i++) {
		drop_overlapped(c);
		if (pending(c, &left, f) != RES_OK)
			return RES_FAIL;
		if (left.n == 0)
			break;
		if (i > 0 && pause != NULL)
			(void)nanosleep(pause, NULL);
		capture_blocked(c, left.at, left.n);
		capture_states_refresh(c);
	}
	drop_overlapped(c);
	return RES_OK;
}

/* Is there something to be held that has not been refused? */
static bool to_hold(const struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		const struct capture_lwp *l = &c->lwps.at[i];

		if (l->state == CAPTURE_PENDING && l->refusal != REFUSED)
			return true;
	}
	return false;
}

/* One pass over what is pending. In the course of a hold one may become so again. */
static enum res take(struct capture *c, const char *set, enum stop_policy policy, struct fault *f)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	enum res res = RES_OK;

	if (policy == STOP_NONE)
		return take_asleep(c, c->running ? 1 : ROUNDS_NO_STOP, &pause, f);
	for (int i = 0; i < HOLDS && res == RES_OK; i++) {
		/* Those that ran just now are looked at once more before they are held. */
		if (policy == STOP_RUNNING && !c->running)
			res = take_asleep(c, ROUNDS, NULL, f);
		if (res != RES_OK || !to_hold(c))
			break;
		res = capture_stopped(c, set, policy, f);
	}
	/* What could not be held may have been asleep all the time. */
	return res == RES_OK ? take_asleep(c, 1, NULL, f) : res;
}

static void take_loose(struct capture *c, enum stop_policy policy)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->state != CAPTURE_PENDING)
			continue;
		if (policy == STOP_NONE)
			(void)snprintf(l->refused, sizeof(l->refused), "running, and --no-stop was given");
		else if (l->refusal == NOT_REFUSED)
			(void)snprintf(l->refused, sizeof(l->refused), "it kept running while being read");
		capture_running(c, l);
	}
}

/* Forget those that ended, but not one that is still in the list for that. *ended: how many those are. Returns how many of
 * the others have no stack. */
static size_t settle(struct capture *c, size_t *ended)
{
	size_t n = 0, missed = 0;

	*ended = 0;
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (c->watch != NULL)
			watch_keep(c, l);
		os_asleep_end(&l->asleep);
		if (l->state == CAPTURE_ENDED) {
			py_stack_free(&l->python);
			memset(&l->python, 0, sizeof(l->python));
			if (c->watch != NULL || !os_lwp_is_zombie(c->live, l->id))
				continue;
			(*ended)++;
			l->known_regs = REGS_NONE;
			l->python_is = PYTHON_UNREAD;
			capture_is_zombie(l);
			c->lwps.at[n++] = *l;
			continue;
		}
		missed += l->known_regs == REGS_NONE && l->state != CAPTURE_SAME;
		c->lwps.at[n++] = *l;
	}
	c->lwps.n = n;
	return missed;
}

/* Kernel names, one file each. */
static void name_all(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (capture_ahead_name(c->ahead, l->id, l->name, sizeof(l->name)))
			continue;
		if (Plwp_getname(c->live, l->id, l->name, sizeof(l->name)) != 0)
			l->name[0] = '\0';
	}
}

/* Where there are many, look at them ahead. */
static void look_ahead(struct capture *c)
{
	OWNED(lwpids_release) os_lwpids ids = VEC_EMPTY;

	for (size_t i = 0; i < c->lwps.n; i++) {
		if (!vec_push(&ids, c->lwps.at[i].id))
			return;
	}
	c->ahead = capture_ahead_start(c->live, ids.at, ids.n);
}

/* All LWPs, newborn ones as well. */
static enum res take_all(struct capture *c, const char *set, enum stop_policy policy, struct fault *f)
{
	bool news = true;

	for (int i = 0; i < PASSES && news && !c->held; i++) {
		if (list(c, set, i > 0, &news, f) != RES_OK)
			return RES_FAIL;
		if (i == 0 && policy != STOP_ALL)
			look_ahead(c);
		if (i == 0)
			capture_states_read(c);
		else if (news)
			capture_make_room(c);
		if (news && take(c, set, policy, f) != RES_OK)
			return RES_FAIL;
	}
	return RES_OK;
}

/* Those of which something new is to be known. What is born meanwhile is for the next time. */
static enum res take_changed(struct capture *c, const char *set, enum stop_policy policy, struct fault *f)
{
	bool any;
	enum res res = watch_list(c, set, &any, f);

	if (res != RES_OK || !any)
		return res;
	capture_states_read(c);
	return take(c, set, policy, f);
}

static enum res process(struct capture *c, const char *set, enum stop_policy policy, struct fault *f)
{
	size_t missed, ended;

	if ((c->watch != NULL ? take_changed : take_all)(c, set, policy, f) != RES_OK)
		return RES_FAIL;
	take_loose(c, policy);
	snapshot_seal(c->snapshot);
	missed = settle(c, &ended);
	if (set == NULL)
		c->all = c->lwps.n;
	if (c->watch == NULL && (c->lwps.n > 1 || set != NULL))
		name_all(c);
	if (!os_same_process(c->live))
		return fault_set(f, G_NOPROC, ESRCH, 0, "it has exited or executed another program");
	if (c->lwps.n != 0 && c->py == NULL && missed != 0 && missed + ended == c->lwps.n && c->none_held)
		return fault_set(f, c->not_held.code, c->not_held.sys, 0, "%s", c->not_held.text);
	/* That those to be held had ended by then is no failure while others live. */
	if (missed == 0 || (c->lwps.n != 0 && c->not_held.code == G_NOPROC))
		c->none_held = false;
	return RES_OK;
}

enum res capture_process(struct capture *c, const char *set, enum stop_policy policy, struct fault *f)
{
	enum res res = process(c, set, policy, f);

	capture_ahead_end(c->ahead);
	c->ahead = NULL;
	return res;
}
