/* The order in which a live process is captured. As little as possible is held, as late and as
 * short as possible.
 *
 *   list LWPs -> blocked? -> try again -> hold the rest -> new LWPs? -> the remaining: as they run
 *
 * LWPs that were held together belong to one instant. Each other LWP belongs to an instant of
 * its own, unless it has not run until the others were held: then it belongs to theirs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bound.h"
#include "base/owned.h"
#include "capture/capture.h"
#include "capture/capture_ahead.h"
#include "capture/lwp_history.h"
#include "os/blocked.h"
#include "os/lwps.h"
#include "os/read.h"

enum {
	ROUNDS = 3,            /* attempts at LWPs that may be blocked */
	ROUNDS_NO_STOP = 12,   /* if nothing may be stopped */
	PAUSE_NS = 500 * 1000, /* between attempts */
	HOLDS = 6,             /* each may find that another LWP has run; few are needed */
	PASSES = 4,            /* over LWPs that are new */
};

struct ids { /* a VEC */
	size_t *at;
	size_t n, cap;
};

static void ids_release(struct ids *v)
{
	vec_free(v);
}

/* Add the LWPs that are not known yet; pass > 0: they are younger than the first list. *news: there
 * are some. */
static enum res add_unknown(struct capture *c, uint8_t pass, bool *news, struct fault *f)
{
	OWNED(os_lwpids_free) os_lwpids ids = VEC_EMPTY;
	OWNED(mem_release) uint64_t *pointers = NULL;
	enum res res = os_lwp_list(c->request.live, &ids, f);
	size_t n = 0;

	*news = false;
	if (res != RES_OK)
		return res;
	c->all = ids.n;
	for (size_t i = 0; i < ids.n; i++) {
		uint32_t before;

		if (proc_lwp_in_set(c->request.set, ids.at[i]) &&
		    !addrmap_get(&c->known, (uint64_t)ids.at[i], &before))
			ids.at[n++] = ids.at[i];
	}
	pointers = calloc(n + 1, sizeof(*pointers));
	if (pointers == NULL)
		return fault_memory(f);
	os_thread_pointers(c->request.live, ids.at, n, pointers);
	c->left_out = n;
	for (n = 0; n < c->left_out; n++) {
		int64_t at = capture_add(c, ids.at[n], pointers[n]);

		if (at < 0)
			break;
		c->lwps.at[at].late = pass > 0;
		c->lwps.at[at].pass = pass;
	}
	c->left_out -= n;
	if (c->left_out != 0 && c->lwps.n == 0)
		return fault_memory(f);
	capture_stacks_find(c, c->lwps.n - n);
	*news = n != 0;
	return RES_OK;
}

static enum res list_pending(const struct capture *c, struct ids *out, struct fault *f)
{
	out->n = 0;
	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].state == CAPTURE_PENDING && !vec_push(out, i))
			return fault_memory(f);
	}
	return RES_OK;
}

/* Undo captures whose stack was partly overwritten by a later copy: an LWP that has ended leaves
 * its stack to another, and only one of the two copies is right. */
static void drop_overlapped(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->state == CAPTURE_DONE && l->copies[0] != 0 &&
		    !snapshot_whole(c->snapshot, l->copies[0]) &&
		    (l->known_regs == REGS_ALL || !os_lwp_still_blocked(c->request.live, l->id, &l->blocked)))
			capture_undo(c, l);
	}
}

/* Capture the LWPs that do not run, in some attempts. */
static enum res capture_sleepers(struct capture *c, int rounds, const struct timespec *pause, struct fault *f)
{
	OWNED(ids_release) struct ids left = VEC_EMPTY;

	capture_states_revalidate(c, STATES_IF_UNPROVED | STATES_FORGET_PAGES | STATES_UNDO_CHANGED);
	for (int i = 0; i < rounds; i++) {
		drop_overlapped(c);
		if (list_pending(c, &left, f) != RES_OK)
			return RES_FAIL;
		if (left.n == 0 || bound_passed(BOUND_STACKS))
			break;
		if (i > 0 && pause != NULL)
			(void)nanosleep(pause, NULL);
		capture_blocked(c, left.at, left.n);
		capture_states_revalidate(c, STATES_FORGET_PAGES | STATES_UNDO_CHANGED);
	}
	drop_overlapped(c);
	return RES_OK;
}

/* True if an LWP is pending that may be held. */
static bool any_to_hold(const struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		const struct capture_lwp *l = &c->lwps.at[i];

		if (l->state == CAPTURE_PENDING && l->refusal != REFUSED)
			return true;
	}
	return false;
}

/* Capture the pending LWPs, once. During a hold an LWP may become pending again. */
static enum res capture_pending(struct capture *c, struct fault *f)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	enum res res = RES_OK;

	if (c->request.policy == STOP_NONE)
		return capture_sleepers(c, c->request.running_only ? 1 : ROUNDS_NO_STOP, &pause, f);
	for (int i = 0; i < HOLDS && res == RES_OK; i++) {
		/* LWPs that ran just now are probed once more before they are held. */
		if (c->request.policy == STOP_RUNNING && !c->request.running_only)
			res = capture_sleepers(c, ROUNDS, NULL, f);
		if (res != RES_OK || !any_to_hold(c) || bound_passed(BOUND_STACKS))
			break;
		res = capture_stopped(c, f);
	}
	/* LWPs that could not be held may have been blocked all the time. */
	return res == RES_OK ? capture_sleepers(c, 1, NULL, f) : res;
}

static void capture_rest(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->state != CAPTURE_PENDING)
			continue;
		if (c->request.policy == STOP_NONE)
			(void)snprintf(l->refused, sizeof(l->refused), "running, and %s was given",
			    c->request.hold_ns < 0 ? "--max-hold 0" : "--no-stop");
		else if (bound_passed(BOUND_STACKS))
			(void)snprintf(l->refused, sizeof(l->refused), "the time was over");
		else if (l->refusal == NOT_REFUSED)
			(void)snprintf(l->refused, sizeof(l->refused), "it kept running while being read");
		capture_running(c, l);
	}
}

/* Remove LWPs that have ended, except zombies; *ended: number of zombies. Returns the number of
 * other LWPs without a stack. */
static size_t remove_ended(struct capture *c, size_t *ended)
{
	size_t n = 0, missed = 0;

	*ended = 0;
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (c->request.history != NULL)
			lwp_history_keep(c, l);
		/* For capture_tasks it is asked once more whether they have run. */
		if (c->request.tasks == NULL || l->state == CAPTURE_ENDED)
			os_blocked_free(&l->blocked);
		if (l->state == CAPTURE_ENDED) {
			py_stack_free(&l->python);
			memset(&l->python, 0, sizeof(l->python));
			if (c->request.history != NULL || !os_lwp_is_zombie(c->request.live, l->id))
				continue;
			(*ended)++;
			l->known_regs = REGS_NONE;
			l->python_is = PYTHON_UNREAD;
			capture_mark_zombie(l);
			c->lwps.at[n++] = *l;
			continue;
		}
		missed += l->known_regs == REGS_NONE && l->state != CAPTURE_SAME;
		c->lwps.at[n++] = *l;
	}
	c->lwps.n = n;
	return missed;
}

/* Read the names of LWPs, one file each. */
static void read_names(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (capture_ahead_name(c->progress.ahead, l->id, l->name, sizeof(l->name)))
			continue;
		if (Plwp_getname(c->request.live, l->id, l->name, sizeof(l->name)) != 0)
			l->name[0] = '\0';
	}
}

/* Threads that come and go change what names are found by: it is read again then. */
static void read_python_names(struct capture *c)
{
	enum { TRIES = 3 };
	struct snapshot *copy;
	bool missed = c->request.about && c->py != NULL;

	for (int i = 0; missed && i < TRIES; i++) {
		if (snapshot_create(c->request.live, &copy, NULL) != RES_OK)
			break;
		capture_about_names(c, copy);
		missed = snapshot_missed(copy);
		snapshot_destroy(copy);
	}
	c->names_cut = missed;
	capture_names_check(c);
}

/* Look at LWPs ahead, if there are many. */
static void begin_ahead(struct capture *c)
{
	OWNED(os_lwpids_free) os_lwpids ids = VEC_EMPTY;

	for (size_t i = 0; i < c->lwps.n; i++) {
		if (!vec_push(&ids, c->lwps.at[i].id))
			return;
	}
	c->progress.ahead = capture_ahead_start(c->request.live, ids.at, ids.n);
}

/* Capture all LWPs, and those that are new by then. */
static enum res capture_all(struct capture *c, struct fault *f)
{
	bool news = true;

	for (int i = 0; i < PASSES && news && !c->progress.held; i++) {
		if (add_unknown(c, (uint8_t)i, &news, f) != RES_OK)
			return RES_FAIL;
		if (i == 0 && c->request.policy != STOP_ALL)
			begin_ahead(c);
		if (i == 0)
			capture_states_read(c);
		else if (news)
			capture_make_room(c, 0);
		if (news && capture_pending(c, f) != RES_OK)
			return RES_FAIL;
	}
	return RES_OK;
}

/* Capture the LWPs that have run since the last capture. New LWPs are left to the next one. */
static enum res capture_changed(struct capture *c, struct fault *f)
{
	bool any;
	enum res res = lwp_history_list(c, &any, f);

	if (res != RES_OK || !any)
		return res;
	capture_states_read(c);
	return capture_pending(c, f);
}

static enum res capture_in_order(struct capture *c, struct fault *f)
{
	size_t missed, ended;

	if ((c->request.history != NULL ? capture_changed : capture_all)(c, f) != RES_OK)
		return RES_FAIL;
	capture_rest(c);
	snapshot_seal(c->snapshot);
	missed = remove_ended(c, &ended);
	if (c->request.set == NULL)
		c->all = c->lwps.n + c->left_out;
	if (c->request.about && c->py != NULL)
		capture_owners_read(c);
	if (c->request.history == NULL && (c->lwps.n > 1 || c->request.set != NULL)) {
		read_names(c);
		read_python_names(c);
	}
	if (!os_same_process(c->request.live))
		return fault_set(f, G_NOPROC, ESRCH, 0, "it has exited or executed another program");
	if (c->lwps.n != 0 && c->py == NULL && missed != 0 && missed + ended == c->lwps.n && c->none_held)
		return fault_set(f, c->not_held.code, c->not_held.sys, 0, "%s", c->not_held.text);
	/* If the LWPs to hold have ended, that is not a failure while others live. */
	if (missed == 0 || (c->lwps.n != 0 && c->not_held.code == G_NOPROC))
		c->none_held = false;
	return RES_OK;
}

enum res capture_process(struct capture *c, struct fault *f)
{
	enum res res = capture_in_order(c, f);

	capture_ahead_end(c->progress.ahead);
	c->progress.ahead = NULL;
	return res;
}
