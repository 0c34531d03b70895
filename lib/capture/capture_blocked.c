/* Captures LWPs that do not run: their memory does not change. Nothing is done to them, so they do
 * not notice, whatever system call they are in, and it does not matter who traces or has stopped
 * them.
 *
 *   for each   probe: pc, sp, run count
 *   for all    copy the stacks, in few calls
 *   for each   read its Python frames
 *   for each   run count changed? then its data is of no single instant, and is discarded
 *
 * Only pc and sp of these LWPs are known. Pages that were read before are forgotten at the
 * start, since an LWP may have run between that read and the probe. */
#include <stdio.h>

#include "base/bound.h"
#include "base/clock.h"
#include "capture/capture.h"
#include "capture/capture_ahead.h"
#include "os/blocked.h"

static enum os_lwp_state lwp_look(const struct capture *c, struct capture_lwp *l)
{
	enum os_lwp_state look;

	if (capture_ahead_look(c->progress.ahead, (size_t)(l - c->lwps.at), l->id, &look, &l->blocked))
		return look;
	return os_lwp_probe(c->request.live, l->id, &l->blocked);
}

/* True if l is blocked or stopped. */
static bool lwp_is_asleep(struct capture *c, struct capture_lwp *l)
{
	if (l->state != CAPTURE_PENDING)
		return false;
	switch (lwp_look(c, l)) {
	case OS_LWP_BLOCKED:
		if (c->request.running_only) {
			l->state = CAPTURE_ENDED;
			return false;
		}
		l->regs[R_PC] = (prgreg_t)l->blocked.pc;
		l->regs[R_SP] = (prgreg_t)l->blocked.sp;
		l->known_regs = REGS_PC_SP;
		return true;
	case OS_LWP_GONE:
		l->state = CAPTURE_ENDED;
		return false;
	case OS_LWP_RUNS:
	case OS_LWP_UNKNOWN:
		break;
	}
	return false;
}

/* What is read for every thread of an interpreter is read with the others' pages. */
static void prefetch_status(struct capture *c)
{
	uint64_t at[PY_STATUS_PLACES];
	size_t n = 0;

	if (c->request.about && c->py != NULL && c->states.list.n != 0)
		n = py_status_places(c->py, &c->states.list.at[0], c->gil_holder_at, at);
	for (size_t i = 0; i < n; i++)
		snapshot_prefetch_add(&c->progress.pages, at[i], sizeof(uint64_t));
}

static void capture_batch(struct capture *c, const size_t *index, size_t n)
{
	struct snapshot_piece pieces[CAPTURE_BATCH], known[CAPTURE_BATCH];
	struct capture_lwp *lwps[CAPTURE_BATCH];
	bool own[CAPTURE_BATCH];
	size_t all = 0, copied = 0;

	snapshot_forget(c->snapshot);
	for (size_t i = 0; i < n; i++) {
		struct capture_lwp *l = &c->lwps.at[index[i]];

		if (!lwp_is_asleep(c, l))
			continue;
		lwps[all] = l;
		pieces[all] = capture_stack_piece(c, l, &own[all]);
		if (pieces[all].hi != 0)
			known[copied++] = pieces[all];
		all++;
	}
	for (size_t i = 0; i < all; i++)
		capture_prefetch_states(c, lwps[i], &c->progress.pages);
	if (all != 0)
		prefetch_status(c);
	snapshot_copy_with_pages(c->snapshot, &c->progress.pages, known, copied);
	for (size_t i = 0, k = 0; i < all; i++) {
		if (pieces[i].hi != 0)
			pieces[i] = known[k++];
		capture_stack_rest(c, lwps[i], &pieces[i], own[i]);
		if (capture_frames(c, lwps[i]) == RES_OK)
			lwps[i]->state = CAPTURE_DONE;
		capture_about_blocked(c, lwps[i]);
	}
	if (c->request.about)
		capture_waits_read(c, lwps, all);
	capture_locals_blocked(c, lwps, all);
	for (size_t i = 0; i < all; i++) {
		if (lwps[i]->state != CAPTURE_DONE ||
		    !os_lwp_still_blocked(c->request.live, lwps[i]->id, &lwps[i]->blocked))
			capture_undo(c, lwps[i]);
	}
}

void capture_blocked(struct capture *c, const size_t *index, size_t n)
{
	for (size_t i = 0; i < n && !bound_passed(BOUND_STACKS); i += CAPTURE_BATCH)
		capture_batch(c, index + i, n - i < CAPTURE_BATCH ? n - i : CAPTURE_BATCH);
}

void capture_make_room(struct capture *c, int64_t end)
{
	c->states.stale = true;
	for (size_t i = 0; i < c->lwps.n && (end == 0 || clock_now_ns() < end); i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->state == CAPTURE_DONE && l->known_regs == REGS_PC_SP &&
		    !os_lwp_still_blocked(c->request.live, l->id, &l->blocked))
			capture_undo(c, l);
	}
}

/* Capture an LWP again that has run since its capture and is blocked again. One that runs keeps
 * its earlier capture, which was right at its time. */
static void refresh_lwp(struct capture *c, size_t i)
{
	struct capture_lwp *l = &c->lwps.at[i];
	struct os_blocked now = l->blocked;
	enum os_lwp_state look = os_lwp_probe(c->request.live, l->id, &now);

	l->blocked.fd = now.fd;
	if (look != OS_LWP_BLOCKED)
		return;
	capture_undo(c, l);
	capture_batch(c, &i, 1);
	c->states.unproved = true;
}

void capture_blocked_refresh(struct capture *c, int64_t budget)
{
	int64_t end = clock_now_ns() + budget;

	for (size_t i = 0; i < c->lwps.n && clock_now_ns() < end; i++) {
		const struct capture_lwp *l = &c->lwps.at[i];

		if (l->state == CAPTURE_DONE && l->known_regs == REGS_PC_SP &&
		    !os_lwp_still_blocked(c->request.live, l->id, &l->blocked))
			refresh_lwp(c, i);
	}
}
