#include "stack/join/join_plan.h"

#include <stdlib.h>

#include "base/owned.h"

bool join_plan_init(struct join_plan *plan, const struct join_input *in)
{
	size_t runs = in->python->runs.n;

	*plan = (struct join_plan){ .owner = calloc(runs + 1, sizeof(*plan->owner)),
		.at = calloc(runs + 1, sizeof(*plan->at)),
		.unsure = calloc(runs + 1, sizeof(*plan->unsure)),
		.order = calloc(runs + 1, sizeof(*plan->order)),
		.bare = calloc(in->native->frames.n + 1, sizeof(*plan->bare)),
		.start = JOIN_NOWHERE };
	if (plan->owner == NULL || plan->at == NULL || plan->unsure == NULL || plan->order == NULL ||
	    plan->bare == NULL)
		return false;
	for (size_t r = 0; r < runs; r++) {
		plan->owner[r] = JOIN_NOWHERE;
		plan->order[r] = (uint32_t)r;
	}
	return true;
}

void join_plan_free(struct join_plan *plan)
{
	free(plan->owner);
	free(plan->at);
	free(plan->unsure);
	free(plan->order);
	free(plan->bare);
}

/* The place of run r, which has no activation: after the last native frame that lies entirely below
 * its marker. Without a marker, or out of order: after the previous run, and if there is none,
 * before the next run that has an activation. *ahead: how far runs were searched for that one. */
static int64_t place_loose(
    const struct join_input *in, const struct join_plan *plan, size_t r, int64_t after, size_t *ahead)
{
	const struct native_stack *native = in->native;
	const int64_t *owner = plan->owner;
	/* (a marker on no stack proves nothing: join_apart has marked it) */
	uint64_t marker = plan->unsure[r] ? 0 : in->python->runs.at[r].marker;
	int64_t at = after;

	if (marker == 0 && after >= 0)
		return after;
	if (marker == 0) {
		*ahead = *ahead < r ? r : *ahead;
		while (*ahead < in->python->runs.n && owner[*ahead] == JOIN_NOWHERE)
			(*ahead)++;
		return (*ahead < in->python->runs.n ? owner[*ahead] : (int64_t)native->frames.n) - 1;
	}
	for (size_t i = after < 0 ? 0 : (size_t)after; i < native->frames.n; i++) {
		if (native->frames.at[i].sp <= marker && !native->frames.at[i].signal_frame)
			at = (int64_t)i;
	}
	return at;
}

/* Places each run. */
static enum res make_plan(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f)
{
	size_t runs = in->python->runs.n, ahead = 0;
	int64_t last = -1;
	enum res res;

	res = loop->marking == PY_MARK_NONE ? join_by_order(in, loop, plan, f)
					    : join_by_markers(in, loop, plan, f);
	if (res == RES_OK)
		res = join_made(in, loop, plan, f);
	if (res != RES_OK)
		return res;
	join_apart(in, loop, plan);
	for (size_t r = 0; r < runs; r++) {
		/* Runs are youngest first: a run that claims a younger activation than its callee's
		 * is wrong. */
		if (plan->owner[r] != JOIN_NOWHERE && plan->owner[r] < last)
			plan->owner[r] = JOIN_NOWHERE;
		plan->at[r] =
		    plan->owner[r] != JOIN_NOWHERE ? plan->owner[r] : place_loose(in, plan, r, last, &ahead);
		last = plan->at[r];
	}
	return RES_OK;
}

/* Copies the runs of one runtime to part; which[k] is the index in all of its run k. */
static bool take_part(
    const struct py_stack *all, const struct join_loop *loop, struct py_stack *part, uint32_t *which)
{
	for (size_t r = 0; r < all->runs.n; r++) {
		struct py_run run = all->runs.at[r];
		uint32_t first = run.first;

		if (run.runtime != loop->runtime)
			continue;
		which[part->runs.n] = (uint32_t)r;
		run.first = (uint32_t)part->frames.n;
		for (uint32_t k = 0; k < run.count; k++) {
			if (!vec_push(&part->frames, all->frames.at[first + k]))
				return false;
		}
		if (!vec_push(&part->runs, run))
			return false;
	}
	for (size_t i = 0; loop->cframes && i < all->cframes.n; i++) {
		if (!vec_push(&part->cframes, all->cframes.at[i]))
			return false;
	}
	return true;
}

/* Plans the runs of one runtime, and copies the result to the plan of all. */
static enum res plan_part(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *all, struct fault *f)
{
	OWNED(mem_release) uint32_t *which = calloc(in->python->runs.n + 1, sizeof(*which));
	OWNED(py_stack_free) struct py_stack python = { .broken = false };
	OWNED(join_plan_free) struct join_plan plan = { 0 };
	struct join_input part = *in;
	enum res res;

	part.python = &python;
	if (which == NULL || !take_part(in->python, loop, &python, which) || !join_plan_init(&plan, &part))
		return fault_memory(f);
	res = make_plan(&part, loop, &plan, f);
	for (size_t k = 0; res == RES_OK && k < python.runs.n; k++) {
		all->owner[which[k]] = plan.owner[k];
		all->at[which[k]] = plan.at[k];
		all->unsure[which[k]] = plan.unsure[k];
	}
	for (size_t i = 0; res == RES_OK && i < in->native->frames.n; i++)
		all->bare[i] |= plan.bare[i];
	all->apart |= plan.apart;
	return res;
}

/* Finds where a greenlet's stack starts. Its chain of frames ends there. Of the older frames the
 * function that starts greenlets saves no copy: they are those of the greenlet that started it, if
 * nothing has run there since, or what another greenlet has left. */
static void find_start(const struct join_input *in, struct join_plan *plan)
{
	int64_t oldest = JOIN_NOWHERE;

	for (size_t r = 0; r < in->python->runs.n; r++) {
		if (in->python->runs.at[r].count > 0 && plan->owner[r] > oldest)
			oldest = plan->owner[r];
	}
	for (size_t i = (size_t)(oldest + 1); in->switches != NULL && i < in->native->frames.n; i++) {
		const struct native_frame *fr = &in->native->frames.at[i];

		if (!join_is_gap(fr) && in->switches(in->data, fr->exact ? fr->pc : fr->pc - 1)) {
			plan->start = (int64_t)i;
			return;
		}
	}
}

struct placed {
	int64_t at;
	uint32_t run;
};

/* By place; the runs of each loop keep their order. */
static int placed_order(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->run < y->run ? -1 : x->run > y->run;
}

static enum res order_by_place(struct join_plan *plan, size_t runs, struct fault *f)
{
	OWNED(mem_release) struct placed *placed = calloc(runs + 1, sizeof(*placed));

	if (placed == NULL)
		return fault_memory(f);
	for (size_t r = 0; r < runs; r++)
		placed[r] = (struct placed){ plan->at[r], (uint32_t)r };
	qsort(placed, runs, sizeof(*placed), placed_order);
	for (size_t r = 0; r < runs; r++)
		plan->order[r] = placed[r].run;
	return RES_OK;
}

enum res join_plan_make(const struct join_input *in, struct join_plan *plan, struct fault *f)
{
	enum res res = RES_OK;

	if (in->n_loops == 1)
		res = make_plan(in, &in->loops[0], plan, f);
	for (size_t i = 0; res == RES_OK && in->n_loops > 1 && i < in->n_loops; i++)
		res = plan_part(in, &in->loops[i], plan, f);
	if (res == RES_OK && in->n_loops > 1)
		res = order_by_place(plan, in->python->runs.n, f);
	if (res == RES_OK)
		find_start(in, plan);
	return res;
}
