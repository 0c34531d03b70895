/* Values of the variables of captured threads, with request.locals.
 *
 *   held     within the hold, once the frames of all held LWPs are read
 *   blocked  after its frames, before it is asked whether it has run: its slots do not change
 *   core     at once
 *
 * What the values are made of may be changed by threads that run. So they are read twice, the
 * second time from a new copy of memory, unless nothing else can run: what is the same in both
 * readings was so at one moment between the two. What differs in all readings is said to change. */
#include "base/clock.h"
#include "capture/capture.h"
#include "python/locals/py_locals.h"

enum {
	READINGS = 4,              /* of a value that changes */
	BATCH = 16,                /* LWPs that are read between two probes */
	HELD_NS = 20 * 1000 * 1000 /* most of a hold that is spent on values */
};

/* May memory change while it is read? held: while LWPs are held. */
static bool may_change(const struct capture *c, bool held)
{
	if (c->request.live == NULL || c->all <= 1)
		return false;
	return !held || c->request.policy != STOP_ALL || c->request.set != NULL;
}

/* Read the values of n LWPs once more. Returns how many differ from the reading before. */
static size_t read_again(struct capture *c, struct capture_lwp *const *lwps, size_t n, bool last)
{
	size_t changing = 0;

	snapshot_forget(c->snapshot);
	for (size_t i = 0; i < n; i++) {
		struct py_locals *before = lwps[i]->python.locals, *now;

		if (before == NULL)
			continue;
		now = py_locals_read(c->locals, &lwps[i]->python);
		if (now != NULL)
			changing += py_locals_compare(before, now, READINGS, last);
		py_locals_free(before);
		lwps[i]->python.locals = now;
	}
	return changing;
}

static void read_locals(struct capture *c, struct capture_lwp *const *lwps, size_t n, bool held)
{
	bool again = may_change(c, held);

	for (size_t i = 0; i < n; i++) {
		if (lwps[i]->python_is == PYTHON_READ)
			lwps[i]->python.locals = py_locals_read(c->locals, &lwps[i]->python);
	}
	for (int k = 2; again && k <= READINGS; k++)
		again = read_again(c, lwps, n, k == READINGS) != 0;
	for (size_t i = 0; i < n; i++) {
		lwps[i]->locals_due = false;
		if (lwps[i]->python.locals != NULL)
			py_locals_finish(lwps[i]->python.locals);
	}
}

void capture_locals_blocked(struct capture *c, struct capture_lwp *const *lwps, size_t n)
{
	if (c->locals == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		lwps[i]->locals_due = true;
	/* Others stand still: they need not wait for this. */
	if (!c->progress.holding)
		read_locals(c, lwps, n, false);
}

void capture_locals_held(struct capture *c, int64_t end)
{
	int64_t until = clock_now_ns() + HELD_NS;

	if (c->locals == NULL)
		return;
	(void)snapshot_until(c->snapshot, until < end ? until : end);
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (!l->locals_due || l->known_regs != REGS_ALL)
			continue;
		read_locals(c, &l, 1, true);
		/* What was read when the time was over is not whole. */
		if (snapshot_until(c->snapshot, until < end ? until : end)) {
			py_locals_free(l->python.locals);
			l->python.locals = NULL;
		}
	}
}

void capture_locals_rest(struct capture *c)
{
	struct capture_lwp *lwps[BATCH];
	size_t i = 0, n;

	while (c->locals != NULL && i < c->lwps.n) {
		for (n = 0; i < c->lwps.n && n < BATCH; i++) {
			if (c->lwps.at[i].locals_due && c->lwps.at[i].state == CAPTURE_DONE)
				lwps[n++] = &c->lwps.at[i];
		}
		if (n == 0)
			return;
		snapshot_forget(c->snapshot);
		read_locals(c, lwps, n, false);
		for (size_t k = 0; k < n; k++) {
			if (!os_lwp_still_blocked(c->request.live, lwps[k]->id, &lwps[k]->blocked))
				capture_undo(c, lwps[k]);
		}
	}
}

void capture_locals_core(struct capture *c)
{
	for (size_t i = 0; c->locals != NULL && i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		read_locals(c, &l, 1, false);
	}
}
