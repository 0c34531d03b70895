/* Values of the variables of captured threads, with request.locals.
 *
 *   held     within the hold, once the frames of all held LWPs are read
 *   blocked  after its frames, before it is asked whether it has run: its slots do not change
 *   core     at once
 *
 * What the values are made of may be changed by threads that run. So they are read twice, the
 * second time from a new copy of memory, unless nothing else can run: what is the same in both
 * readings was so at one moment between the two. What differs in all readings is said to change.
 *
 * LWPs that are held wait for all this. So the pages are learned while they run still, and fetched
 * together; and if all pages are the same when they are fetched again, so are the values. These are
 * read once the LWPs are released, from the copies. If something is not among these, the LWP is
 * held again; the third time it waits until its values are read. If all LWPs were to stop at one
 * instant, none is held again: those that ran wait for their values, and of the others, which had
 * the same pages just before, what is missing has changed. */
#include "base/clock.h"
#include "capture/capture.h"
#include "python/locals/py_locals.h"

enum {
	READINGS = 4,              /* of a value that changes */
	BATCH = 16,                /* LWPs that are read between two probes */
	LATE_HOLDS = 2,            /* after which values are read; during further ones they are */
	HELD_NS = 20 * 1000 * 1000 /* most of a hold that is spent on values */
};

/* Does an LWP run that was to be held? Another tracer may have it. */
static bool any_free(const struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].state == CAPTURE_PENDING)
			return true;
	}
	return c->left_out != 0;
}

/* May memory change while it is read? held: while LWPs are held. */
static bool may_change(const struct capture *c, bool held)
{
	if (c->request.live == NULL || c->all <= 1)
		return false;
	return !held || c->request.policy != STOP_ALL || c->request.set != NULL || c->progress.held ||
	       any_free(c);
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

static void finish_locals(struct capture_lwp *l)
{
	l->locals_due = false;
	if (l->python.locals != NULL)
		py_locals_finish(l->python.locals);
}

static void read_locals(struct capture *c, struct capture_lwp *const *lwps, size_t n)
{
	bool again = may_change(c, false);

	for (size_t i = 0; i < n; i++) {
		if (lwps[i]->python_is == PYTHON_READ)
			lwps[i]->python.locals = py_locals_read(c->locals, &lwps[i]->python);
	}
	for (int k = 2; again && k <= READINGS; k++)
		again = read_again(c, lwps, n, k == READINGS) != 0;
	for (size_t i = 0; i < n; i++)
		finish_locals(lwps[i]);
}

void capture_locals_blocked(struct capture *c, struct capture_lwp *const *lwps, size_t n)
{
	if (c->locals == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		lwps[i]->locals_due = true;
	/* Others stand still: they need not wait for this. */
	if (!c->progress.holding)
		read_locals(c, lwps, n);
}

/* What was read when the time was over is not whole. */
static void drop_late(struct capture *c, struct capture_lwp *l, int64_t until)
{
	if (!snapshot_until(c->snapshot, until))
		return;
	py_locals_free(l->python.locals);
	l->python.locals = NULL;
}

/* Prove the values of l. same: their memory has not changed since they were read. */
static void prove_held(struct capture *c, struct capture_lwp *l, bool same, int64_t until)
{
	bool again = l->python.locals != NULL;
	int k = 2;

	if (again && same) {
		again = py_locals_repeat(l->python.locals) != 0;
		k++;
	}
	for (; again && k <= READINGS; k++)
		again = read_again(c, &l, 1, k == READINGS) != 0;
	drop_late(c, l, until);
}

/* Are the values of l to be read while it is held, or right after that? */
static bool is_due_now(const struct capture_lwp *l)
{
	return l->locals_due && l->known_regs == REGS_ALL;
}

/* May the values of l, which is held, be read once it is released? prove: memory may change. */
static bool may_be_late(const struct capture *c, const struct capture_lwp *l, bool prove)
{
	if (!l->learned || l->python_is != PYTHON_READ)
		return false;
	if (c->request.policy == STOP_ALL)
		return !prove && l->call.number >= 0;
	return c->progress.locals_again < LATE_HOLDS;
}

/* Decide which values are read after the hold. Those that have to be proved need all pages, which
 * are forgotten when values are read again. Returns whether some are not. */
static bool choose_late(struct capture *c, bool prove)
{
	bool waits = false;

	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		l->locals_late = is_due_now(l) && may_be_late(c, l, prove);
		waits |= is_due_now(l) && !l->locals_late;
	}
	for (size_t i = 0; waits && prove && i < c->lwps.n; i++)
		c->lwps.at[i].locals_late = false;
	return waits;
}

void capture_locals_held(struct capture *c, int64_t end)
{
	const bool prove = may_change(c, true);
	int64_t until;
	bool same, waits;

	if (c->locals == NULL)
		return;
	waits = choose_late(c, prove);
	until = clock_now_ns() + HELD_NS;
	until = until < end ? until : end;
	(void)snapshot_until(c->snapshot, until);
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (!is_due_now(l) || l->locals_late)
			continue;
		if (l->python_is == PYTHON_READ)
			l->python.locals = py_locals_read(c->locals, &l->python);
		drop_late(c, l, until);
	}
	same = prove && snapshot_copy_again(c->snapshot) && waits && snapshot_again_same(c->snapshot);
	if (!waits)
		return;
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (!is_due_now(l) || l->locals_late)
			continue;
		if (prove)
			prove_held(c, l, same, until);
		finish_locals(l);
	}
}

static bool take_missed(void *data)
{
	return snapshot_take_missed(data);
}

/* Read the values of l from copies of the hold. same: so is memory at its end. False: that does not
 * suffice. */
static bool read_late(struct capture *c, struct capture_lwp *l, bool same)
{
	bool missed;

	(void)snapshot_take_missed(c->snapshot);
	l->python.locals = py_locals_read(c->locals, &l->python);
	missed = snapshot_take_missed(c->snapshot);
	if (c->request.policy == STOP_ALL || l->python.locals == NULL)
		return true;
	return !missed && (!may_change(c, true) || (same && py_locals_repeat(l->python.locals) == 0));
}

static void free_reader(struct py_locals_reader **r)
{
	py_locals_reader_free(*r);
	*r = NULL;
}

void capture_locals_released(struct capture *c)
{
	bool again = false, same;

	if (c->locals == NULL)
		return;
	same = snapshot_again_same(c->snapshot);
	snapshot_seal(c->snapshot);
	if (c->request.policy == STOP_ALL)
		py_locals_reader_watch(c->locals, take_missed, c->snapshot);
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (!l->locals_late || l->state != CAPTURE_DONE)
			continue;
		l->locals_late = false;
		if (read_late(c, l, same)) {
			finish_locals(l);
			continue;
		}
		capture_undo(c, l);
		again = true;
	}
	py_locals_reader_watch(c->locals, NULL, NULL);
	snapshot_unseal(c->snapshot);
	/* What the readers know is not read again: its pages would not be noted. */
	free_reader(&c->ahead);
	if (!again)
		return;
	c->progress.locals_again++;
	free_reader(&c->locals);
	c->locals = py_locals_reader_create(c->py, c->request.locals);
}

void capture_locals_ahead(struct capture *c, const struct py_stack *frames)
{
	if (c->locals == NULL)
		return;
	if (c->ahead == NULL)
		c->ahead = py_locals_reader_create(c->py, c->request.locals);
	if (c->ahead != NULL)
		py_locals_free(py_locals_read(c->ahead, frames));
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
		read_locals(c, lwps, n);
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

		read_locals(c, &l, 1);
	}
}
