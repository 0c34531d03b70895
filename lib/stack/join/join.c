/* From a plan (the activation of each run of Python frames) to the order of lines. */
#include "stack/join/join.h"

#include "base/owned.h"
#include "stack/join/join_plan.h"

static bool emit_item(struct join *out, enum join_kind kind, size_t index, bool unsure)
{
	struct join_item item = { (uint32_t)index, (uint8_t)kind, unsure };

	out->unsure |= unsure;
	return vec_push(&out->items, item);
}

static enum py_marking marking_of_run(const struct join_input *in, size_t r)
{
	size_t i = in->n_loops - 1;

	while (i > 0 && in->loops[i].runtime != in->python->runs.at[r].runtime)
		i--;
	return in->loops[i].marking;
}

/* Has the last frame of run r's activation ended? While its local variables are destroyed, younger
 * activations run code. The youngest activation of all may as well be about to start its first
 * frame. In 3.11 the oldest activation may not be the loop's: greenlet has a marker in the function
 * that starts a greenlet. */
static bool has_ended(const struct join_input *in, size_t r)
{
	const struct py_run *run = &in->python->runs.at[r];

	return run->marker != 0 && run->count == 0 && run->first > 0 &&
	       (marking_of_run(in, r) == PY_MARK_ENTRY || r + 1 < in->python->runs.n);
}

/* The items of run r. */
static bool emit_run(const struct join_input *in, struct join *out, size_t r, bool unplaced, bool unsure)
{
	const struct py_run *run = &in->python->runs.at[r];

	if (unplaced && run->count > 0 && !emit_item(out, JOIN_UNPLACED, r, false))
		return false;
	for (uint32_t k = 0; k < run->count; k++) {
		if (!emit_item(out, JOIN_PYTHON, run->first + k, unsure || unplaced))
			return false;
	}
	return true;
}

static bool emit_native(const struct join_input *in, const struct join_plan *plan, struct join *out, size_t i)
{
	enum join_kind kind = join_is_gap(&in->native->frames.at[i]) ? JOIN_GAP : JOIN_NATIVE;

	if ((int64_t)i == plan->start) {
		out->start = true;
		if (!emit_item(out, JOIN_START, i, false))
			return false;
	}
	return emit_item(out, kind, i, false) && (!plan->bare[i] || emit_item(out, JOIN_BARE, i, false));
}

/* Merges native frames and runs; plan->at[r] is the native frame that run r follows (−1: before
 * all). */
static bool emit_all(const struct join_input *in, const struct join_plan *plan, struct join *out)
{
	const int64_t *at = plan->at;
	size_t next = 0; /* the native frame to emit next */
	bool was_unplaced = false;

	for (size_t k = 0; k < in->python->runs.n; k++) {
		size_t r = plan->order[k];
		bool unplaced = plan->owner[r] == JOIN_NOWHERE;

		for (; (int64_t)next <= at[r]; next++) {
			was_unplaced = false;
			if (!emit_native(in, plan, out, next))
				return false;
		}
		if (!unplaced && has_ended(in, r) && !emit_item(out, JOIN_ENDED, r, false))
			return false;
		if (!emit_run(in, out, r, unplaced && !was_unplaced, plan->unsure[r] || unplaced))
			return false;
		was_unplaced = unplaced && (was_unplaced || in->python->runs.at[r].count > 0);
	}
	for (; next < in->native->frames.n; next++) {
		if (!emit_native(in, plan, out, next))
			return false;
	}
	return true;
}

enum res stack_join(const struct join_input *in, struct join *out, struct fault *f)
{
	OWNED(join_plan_free) struct join_plan plan = { 0 };
	enum res res;

	if (!join_plan_init(&plan, in))
		return fault_memory(f);
	res = join_plan_make(in, &plan, f);
	if (res != RES_OK)
		return res;
	out->apart = plan.apart;
	return emit_all(in, &plan, out) ? RES_OK : fault_memory(f);
}

bool join_is_uncertain(const struct join *j)
{
	for (size_t i = 0; i < j->items.n; i++) {
		if (j->items.at[i].kind == JOIN_UNPLACED || j->items.at[i].kind == JOIN_BARE)
			return true;
	}
	return j->unsure;
}

void join_free(struct join *j)
{
	vec_free(&j->items);
}
