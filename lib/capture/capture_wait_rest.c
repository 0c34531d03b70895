/* What LWPs that were held wait for, found after their release, so that no hold is longer for it.
 *
 * The release lets a call continue. An LWP that waits once more at the same word, with the same
 * stack pointer, has what its copied frames have. Who holds an object is told only if that LWP,
 * too, is where it was during the hold. */
#include <string.h>
#include <time.h>

#include "base/bound.h"
#include "capture/capture.h"
#include "os/blocked.h"
#include "os/calls.h"

/* The kernel resumes a call that waits until some time by another call with the same arguments. */
static bool is_resumed(const struct capture *c, const struct os_call *call, const struct os_blocked *now)
{
	const char *name = now->number == call->number ? NULL : os_call_name(c->arch, now->number);

	return now->number == call->number || (name != NULL && strcmp(name, "restart_syscall") == 0);
}

/* Is l blocked where it was during the hold? The caller frees *now. */
static bool is_there(const struct capture *c, const struct capture_lwp *l, struct os_blocked *now)
{
	return os_lwp_probe(c->request.live, l->id, now) == OS_LWP_BLOCKED && now->in_call &&
	       is_resumed(c, &l->call, now) && now->args[0] == l->call.args[0] &&
	       now->args[1] == l->call.args[1] && now->sp == (uint64_t)l->regs[R_SP];
}

static bool owner_is_there(struct capture *c, struct capture_lwp *owner)
{
	struct os_blocked now = OS_BLOCKED_INIT;

	/* Not all LWPs are to belong to the hold's instant. */
	if (c->request.policy != STOP_ALL)
		return true;
	/* Many may wait for one. */
	if (!owner->back && owner->known_regs == REGS_ALL && owner->call.number >= 0) {
		owner->back = is_there(c, owner, &now);
		os_blocked_free(&now);
	}
	return owner->back;
}

/* Does who holds what l waits for hold it since the hold? */
static bool owner_stays(struct capture *c, struct capture_lwp *l)
{
	struct capture_lwp *owner = NULL;

	if (l->wait.owner == 0 && l->mutex_owner == 0)
		return true;
	for (size_t i = 0; owner == NULL && i < c->lwps.n; i++) {
		struct capture_lwp *o = &c->lwps.at[i];

		if (o->state == CAPTURE_DONE && (l->wait.owner != 0 ? o->thread_pointer == l->wait.owner
								    : capture_inner(c, o) == l->mutex_owner))
			owner = o;
	}
	return owner != NULL && owner_is_there(c, owner);
}

static void forget_owner(struct capture_lwp *l)
{
	l->wait.owner = l->wait.owner_at = l->wait.owner_word = 0;
	l->mutex_owner = 0;
}

/* Read what these LWPs wait for, between two questions whether they do. */
static void read_waits(struct capture *c, struct capture_lwp *const *lwps, size_t n)
{
	struct capture_lwp *waiting[CAPTURE_BATCH] = { NULL };
	struct os_blocked now[CAPTURE_BATCH];
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		now[k] = (struct os_blocked)OS_BLOCKED_INIT;
		if (is_there(c, lwps[i], &now[k]))
			waiting[k++] = lwps[i];
		else
			os_blocked_free(&now[k]);
	}
	for (size_t i = 0; i < k; i++) {
		waiting[i]->mutex = os_call_mutex(&waiting[i]->call);
		if (waiting[i]->mutex != 0)
			waiting[i]->mutex_owner = os_mutex_owner_now(c->request.live, waiting[i]->mutex);
	}
	capture_waits_read(c, waiting, k);
	for (size_t i = 0; i < k; i++) {
		struct capture_lwp *l = waiting[i];

		l->wait_due = !os_lwp_still_blocked(c->request.live, l->id, &now[i]);
		if (l->wait_due) {
			l->wait = (struct py_wait){ .kind = PY_WAIT_NONE };
			l->mutex = 0;
			l->mutex_owner = 0;
		}
		os_blocked_free(&now[i]);
	}
}

/* Ask those that hold things whether they are there. Returns whether some are not yet. */
static bool ask_owners(struct capture *c)
{
	bool left = false;

	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		l->owner_due = l->state == CAPTURE_DONE && l->known_regs == REGS_ALL && !owner_stays(c, l);
		left |= l->owner_due;
	}
	return left;
}

/* Drop those that wait for nothing that may be named. False: none is left. */
static bool find_due(struct capture *c)
{
	bool any = false;

	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (!l->wait_due)
			continue;
		capture_name_call(c, l);
		l->wait_due = l->state == CAPTURE_DONE && l->known_regs == REGS_ALL &&
			      (capture_wait_word(l) != 0 || os_call_mutex(&l->call) != 0);
		any |= l->wait_due;
	}
	return any;
}

/* Returns whether some do not wait again yet. */
static bool read_due(struct capture *c)
{
	struct capture_lwp *lwps[CAPTURE_BATCH];
	bool left = false;
	size_t n = 0;

	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].wait_due)
			lwps[n++] = &c->lwps.at[i];
		if (n == CAPTURE_BATCH || (n != 0 && i + 1 == c->lwps.n)) {
			read_waits(c, lwps, n);
			for (size_t k = 0; k < n; k++)
				left |= lwps[k]->wait_due;
			n = 0;
		}
	}
	return left;
}

void capture_waits_rest(struct capture *c)
{
	/* Held LWPs take a moment until they wait again, the longer the more others run. Those of
	 * STOP_RUNNING may not have waited. */
	enum { TRIES = 9, PAUSE_NS = 100 * 1000 };
	const int tries = c->request.policy == STOP_ALL ? TRIES : 1;
	bool left = c->request.about && find_due(c);

	for (int i = 0; left && i < tries && !bound_passed(BOUND_STACKS); i++) {
		const struct timespec pause = { .tv_nsec = (long)PAUSE_NS << i };

		if (i > 0)
			(void)nanosleep(&pause, NULL);
		left = read_due(c);
		left |= ask_owners(c);
	}
	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].owner_due)
			forget_owner(&c->lwps.at[i]);
		c->lwps.at[i].wait_due = c->lwps.at[i].owner_due = false;
	}
}
