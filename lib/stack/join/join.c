/* From a plan (which activation each run of Python frames belongs to) to the order of lines. */
#include "stack/join/join.h"

#include <stdlib.h>

#include "base/owned.h"

/* Where run r without an activation goes: behind the last native frame that lies wholly below its marker; without
 * a marker, or out of order, behind the run before it; without one, before the next that has an activation: *ahead has been
 * as far as that. */
static int64_t place_loose(
    const struct join_input *in, const struct join_plan *plan, size_t r, int64_t after, size_t *ahead)
{
	const struct native_stack *native = in->native;
	const int64_t *owner = plan->owner;
	/* (one on no stack tells nothing: join_apart has said so) */
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

static bool emit(struct join *out, enum join_kind kind, size_t index, bool unsure)
{
	struct join_item item = { (uint32_t)index, (uint8_t)kind, unsure };

	out->unsure |= unsure;
	return vec_push(&out->items, item);
}

/* Has the activation of run r no frames any more? While what was local to the last one is let go, code runs in younger
 * activations. The youngest of all may as well be about to begin. In 3.11 the oldest may be no loop: greenlet has a marker
 * in the function that begins a greenlet. */
static bool has_ended(const struct join_input *in, size_t r)
{
	const struct py_run *run = &in->python->runs.at[r];

	return run->marker != 0 && run->count == 0 && run->first > 0 &&
	       (in->marking == PY_MARK_ENTRY || r + 1 < in->python->runs.n);
}

/* Lines for run r. */
static bool emit_run(const struct join_input *in, struct join *out, size_t r, bool loose, bool unsure)
{
	const struct py_run *run = &in->python->runs.at[r];

	if (loose && run->count > 0 && !emit(out, JOIN_LOOSE, r, false))
		return false;
	for (uint32_t k = 0; k < run->count; k++) {
		if (!emit(out, JOIN_PYTHON, run->first + k, unsure || loose))
			return false;
	}
	return true;
}

static bool emit_native(const struct join_input *in, const struct join_plan *plan, struct join *out, size_t i)
{
	enum join_kind kind = join_is_gap(&in->native->frames.at[i]) ? JOIN_GAP : JOIN_NATIVE;

	if ((int64_t)i == plan->start) {
		out->start = true;
		if (!emit(out, JOIN_START, i, false))
			return false;
	}
	return emit(out, kind, i, false) && (!plan->bare[i] || emit(out, JOIN_BARE, i, false));
}

/* The chain of a greenlet's frames ends where it was begun, and so does its stack: of what lies behind, the function that
 * makes greenlets keeps no copy. It is the greenlet that began it, if nobody has run there since, or what another one has
 * left. */
static void find_start(const struct join_input *in, struct join_plan *plan)
{
	int64_t oldest = JOIN_NOWHERE;

	plan->start = JOIN_NOWHERE;
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

bool join_in_loop(const struct join_input *in, const struct native_frame *fr)
{
	uint64_t pc = fr->exact ? fr->pc : fr->pc - 1;

	for (size_t i = 0; i < in->n_eval; i++) {
		if (in->eval[i].lo <= pc && pc < in->eval[i].hi)
			return true;
	}
	return false;
}

/* Native frames and runs in their order; plan->at[r] is the native frame run r follows (−1: before all). order: of the
 * runs, NULL as they are. */
static bool merge(
    const struct join_input *in, const struct join_plan *plan, const uint32_t *order, struct join *out)
{
	const int64_t *at = plan->at;
	size_t next = 0; /* native frame to emit next */
	bool was_loose = false;

	for (size_t k = 0; k < in->python->runs.n; k++) {
		size_t r = order == NULL ? k : order[k];
		bool loose = plan->owner[r] == JOIN_NOWHERE;

		for (; (int64_t)next <= at[r]; next++) {
			was_loose = false;
			if (!emit_native(in, plan, out, next))
				return false;
		}
		if (!loose && has_ended(in, r) && !emit(out, JOIN_ENDED, r, false))
			return false;
		if (!emit_run(in, out, r, loose && !was_loose, plan->unsure[r] || loose))
			return false;
		was_loose = loose && (was_loose || in->python->runs.at[r].count > 0);
	}
	for (; next < in->native->frames.n; next++) {
		if (!emit_native(in, plan, out, next))
			return false;
	}
	return true;
}

/* Where each run goes. */
static enum res make_plan(const struct join_input *in, struct join_plan *plan, struct fault *f)
{
	size_t runs = in->python->runs.n, ahead = 0;
	int64_t last = -1;
	enum res res;

	for (size_t r = 0; r < runs; r++)
		plan->owner[r] = JOIN_NOWHERE;
	res = in->marking == PY_MARK_NONE ? join_by_order(in, plan, f) : join_by_markers(in, plan, f);
	if (res == RES_OK)
		res = join_made(in, plan, f);
	if (res != RES_OK)
		return res;
	join_apart(in, plan);
	for (size_t r = 0; r < runs; r++) {
		/* Runs are youngest first: one that claims a younger activation than its callee's is wrong. */
		if (plan->owner[r] != JOIN_NOWHERE && plan->owner[r] < last)
			plan->owner[r] = JOIN_NOWHERE;
		plan->at[r] =
		    plan->owner[r] != JOIN_NOWHERE ? plan->owner[r] : place_loose(in, plan, r, last, &ahead);
		last = plan->at[r];
	}
	return RES_OK;
}

static bool plan_create(struct join_plan *plan, const struct join_input *in)
{
	size_t runs = in->python->runs.n;

	*plan = (struct join_plan){ calloc(runs + 1, sizeof(*plan->owner)),
		calloc(runs + 1, sizeof(*plan->at)), calloc(runs + 1, sizeof(*plan->unsure)),
		calloc(in->native->frames.n + 1, sizeof(*plan->bare)), false, JOIN_NOWHERE };
	return plan->owner != NULL && plan->at != NULL && plan->unsure != NULL && plan->bare != NULL;
}

static void plan_release(struct join_plan *plan)
{
	free(plan->owner);
	free(plan->at);
	free(plan->unsure);
	free(plan->bare);
}

enum res stack_join(const struct join_input *in, struct join *out, struct fault *f)
{
	OWNED(plan_release) struct join_plan plan = { 0 };
	enum res res;

	if (!plan_create(&plan, in))
		return fault_memory(f);
	res = make_plan(in, &plan, f);
	if (res != RES_OK)
		return res;
	find_start(in, &plan);
	out->apart = plan.apart;
	return merge(in, &plan, NULL, out) ? RES_OK : fault_memory(f);
}

/* The runs of one runtime, as a stack of their own; which[k] is the k-th one's index in all. */
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

/* Plan one part, and enter it into the plan of all. */
static enum res plan_part(const struct join_input *in, const struct join_loop *loop, uint32_t *which,
    struct join_plan *all, struct fault *f)
{
	OWNED(py_stack_free) struct py_stack python = { .broken = false };
	OWNED(plan_release) struct join_plan plan = { 0 };
	struct join_input part = *in;
	enum res res;

	part.python = &python;
	part.marking = loop->marking;
	part.eval = loop->eval;
	part.n_eval = loop->n_eval;
	if (!take_part(in->python, loop, &python, which) || !plan_create(&plan, &part))
		return fault_memory(f);
	res = make_plan(&part, &plan, f);
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

enum res stack_join_loops(
    const struct join_input *in, const struct join_loop *loops, size_t n, struct join *out, struct fault *f)
{
	size_t runs = in->python->runs.n;
	OWNED(plan_release) struct join_plan plan = { 0 };
	OWNED(mem_release) uint32_t *order = calloc(runs + 1, sizeof(*order));
	OWNED(mem_release) struct placed *placed = calloc(runs + 1, sizeof(*placed));

	if (order == NULL || placed == NULL || !plan_create(&plan, in))
		return fault_memory(f);
	for (size_t i = 0; i < n; i++) {
		enum res res = plan_part(in, &loops[i], order, &plan, f);

		if (res != RES_OK)
			return res;
	}
	for (size_t r = 0; r < runs; r++)
		placed[r] = (struct placed){ plan.at[r], (uint32_t)r };
	qsort(placed, runs, sizeof(*placed), placed_order);
	for (size_t r = 0; r < runs; r++)
		order[r] = placed[r].run;
	find_start(in, &plan);
	out->apart = plan.apart;
	return merge(in, &plan, order, out) ? RES_OK : fault_memory(f);
}

bool join_is_uncertain(const struct join *j)
{
	for (size_t i = 0; i < j->items.n; i++) {
		if (j->items.at[i].kind == JOIN_LOOSE || j->items.at[i].kind == JOIN_BARE)
			return true;
	}
	return j->unsure;
}

void join_free(struct join *j)
{
	vec_free(&j->items);
}
