/* 3.11 and later: a marker lies in the activation that runs its frames, so its address identifies
 * the activation. */
#include "stack/join/join_loop.h"
#include "stack/join/join_plan.h"

#include <stdlib.h>

#include "base/owned.h"

struct extent {
	uint64_t sp, cfa;
	int64_t frame;
};

static int extent_order(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	if (x->sp != y->sp)
		return x->sp < y->sp ? -1 : 1;
	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* Lists the stack extents of all activations, by address. The extent of a signal trampoline spans
 * from one stack to another, so it is left out; a frame with an unknown CFA has no extent. Where
 * nothing describes the code, the CFA comes from the frame pointer. If the function has not set one
 * up, that is a caller's, and the extent would cover everything up to there. */
static size_t extents_of(const struct native_stack *native, struct extent *out)
{
	size_t n = 0;
	bool sorted = true;

	for (size_t i = 0; i < native->frames.n; i++) {
		const struct native_frame *fr = &native->frames.at[i];

		if (fr->signal_frame || fr->no_cfi || fr->cfa <= fr->sp)
			continue;
		out[n] = (struct extent){ fr->sp, fr->cfa, (int64_t)i };
		sorted = sorted && (n == 0 || out[n - 1].sp <= fr->sp);
		n++;
	}
	if (!sorted)
		qsort(out, n, sizeof(*out), extent_order);
	return n;
}

/* Is inner on a signal handler's stack that lies in the frame of outer, which the signal
 * interrupted (or a caller of which it interrupted)? */
static bool is_within(
    const struct native_stack *native, const struct extent *inner, const struct extent *outer)
{
	if (inner->cfa > outer->cfa || inner->frame > outer->frame)
		return false;
	for (int64_t i = inner->frame; i < outer->frame; i++) {
		if (native->frames.at[i].signal_frame)
			return true;
	}
	return false;
}

/* The one activation whose extent holds va; JOIN_NOWHERE if none or several do. */
static int64_t marker_owner(
    const struct native_stack *native, const struct extent *ext, size_t n, uint64_t va)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ext[mid].sp <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || va >= ext[lo - 1].cfa)
		return JOIN_NOWHERE;
	if (lo >= 2 && va < ext[lo - 2].cfa && !is_within(native, &ext[lo - 1], &ext[lo - 2]))
		return JOIN_NOWHERE; /* overlapping extents: a step was wrong */
	return ext[lo - 1].frame;
}

/* The activation of a run whose variables are elsewhere: the next one above the place where they
 * were allocated, in the function that allocated them. Between the two lie remains of the
 * allocating call. */
static int64_t fake_owner(
    const struct join_input *in, const struct extent *ext, size_t n, const struct py_run *run)
{
	enum { LOOKED_AT = 16 };
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ext[mid].sp <= run->taken_at)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (hi = lo + LOOKED_AT; in->function != NULL && lo < n && lo < hi; lo++) {
		const struct native_frame *fr = &in->native->frames.at[ext[lo].frame];
		uint64_t start;

		if (in->function(in->data, fr->exact ? fr->pc : fr->pc - 1, &start) && start == run->function)
			return ext[lo].frame;
	}
	return JOIN_NOWHERE;
}

/* Does frame i return to the same place as an activation that runs Python? Then it is an activation
 * of the loop too. The youngest activations suffice for the comparison. */
static bool goes_on_as_owner(const struct join_input *in, const struct join_plan *plan, size_t i)
{
	enum { ASKED = 64 };
	const struct native_frame *frames = in->native->frames.at;

	for (size_t r = 0; r < in->python->runs.n && r < ASKED; r++) {
		int64_t owner = plan->owner[r];

		/* An activation without frames may not be the loop's: in 3.11 greenlet has a marker
		 * in the function that starts a greenlet. */
		if (owner >= 0 && in->python->runs.at[r].count > 0 && !frames[owner].gap &&
		    !frames[owner].exact && frames[owner].pc == frames[i].pc)
			return true;
	}
	return false;
}

/* Marks activations older than the oldest one with frames: those of a greenlet's parents, whose
 * frames are on the parent's chain. */
static void mark_bare(const struct join_input *in, const struct join_loop *loop, const struct join_plan *plan)
{
	int64_t oldest = JOIN_NOWHERE;

	for (size_t r = 0; r < in->python->runs.n; r++)
		oldest = plan->owner[r] > oldest ? plan->owner[r] : oldest;
	for (size_t i = (size_t)(oldest + 1); oldest >= 0 && i < in->native->frames.n; i++)
		plan->bare[i] = join_in_loop(loop->eval, loop->n_eval, &in->native->frames.at[i]) ||
				goes_on_as_owner(in, plan, i);
}

enum res join_by_markers(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f)
{
	size_t n = in->native->frames.n;
	OWNED(mem_release) struct extent *ext = calloc(n + 1, sizeof(*ext));
	int64_t last = JOIN_NOWHERE;

	if (ext == NULL)
		return fault_memory(f);
	n = extents_of(in->native, ext);
	for (size_t r = 0; r < in->python->runs.n; r++) {
		const struct py_run *run = &in->python->runs.at[r];

		if (run->marker == 0 && run->fake == 0)
			continue;
		plan->owner[r] = run->fake != 0 ? fake_owner(in, ext, n, run)
						: marker_owner(in->native, ext, n, run->marker);
		/* An activation has one marker: a second one in it is not credible. */
		plan->unsure[r] = plan->owner[r] != JOIN_NOWHERE && plan->owner[r] == last;
		if (plan->owner[r] != JOIN_NOWHERE)
			last = plan->owner[r];
	}
	mark_bare(in, loop, plan);
	return RES_OK;
}
