/* From a plan (which activation each run of Python frames belongs to) to the order of lines. */
#include "stack/join.h"

#include <stdlib.h>

#include "base/owned.h"

/* Where run r without an activation goes: behind the last native frame that lies wholly below its marker; without
 * a marker, or out of order, behind the run before it; without one, before the next that has an activation. */
static int64_t place_loose(const struct join_input *in, const int64_t *owner, size_t r, int64_t after)
{
	const struct native_stack *native = in->native;
	uint64_t marker = in->python->runs.at[r].marker;
	int64_t at = after;

	if (marker == 0 && after >= 0)
		return after;
	if (marker == 0) {
		while (r < in->python->runs.n && owner[r] == JOIN_NOWHERE)
			r++;
		return (r < in->python->runs.n ? owner[r] : (int64_t)native->frames.n) - 1;
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

	return emit(out, kind, i, false) && (!plan->bare[i] || emit(out, JOIN_BARE, i, false));
}

/* Native frames and runs in their order; at[r] is the native frame run r follows (−1: before all). */
static bool merge(
    const struct join_input *in, const struct join_plan *plan, const int64_t *at, struct join *out)
{
	size_t next = 0; /* native frame to emit next */
	bool was_loose = false;

	for (size_t r = 0; r < in->python->runs.n; r++) {
		bool loose = plan->owner[r] == JOIN_NOWHERE;

		for (; (int64_t)next <= at[r]; next++) {
			was_loose = false;
			if (!emit_native(in, plan, out, next))
				return false;
		}
		if (!emit_run(in, out, r, loose && !was_loose, plan->unsure[r] || loose))
			return false;
		was_loose = loose;
	}
	for (; next < in->native->frames.n; next++) {
		if (!emit_native(in, plan, out, next))
			return false;
	}
	return true;
}

enum res stack_join(const struct join_input *in, struct join *out, struct fault *f)
{
	size_t runs = in->python->runs.n;
	OWNED(mem_release) int64_t *owner = calloc(runs + 1, sizeof(*owner));
	OWNED(mem_release) int64_t *at = calloc(runs + 1, sizeof(*at));
	OWNED(mem_release) bool *unsure = calloc(runs + 1, sizeof(*unsure));
	OWNED(mem_release) bool *bare = calloc(in->native->frames.n + 1, sizeof(*bare));
	struct join_plan plan = { owner, unsure, bare };
	int64_t last = -1;
	enum res res;

	if (owner == NULL || at == NULL || unsure == NULL || bare == NULL)
		return fault_memory(f);
	for (size_t r = 0; r < runs; r++)
		owner[r] = JOIN_NOWHERE;
	res = in->marking == PY_MARK_NONE ? join_by_order(in, &plan, f) : join_by_markers(in, &plan, f);
	if (res != RES_OK)
		return res;
	for (size_t r = 0; r < runs; r++) {
		/* Runs are youngest first: one that claims a younger activation than its callee's is wrong. */
		if (owner[r] != JOIN_NOWHERE && owner[r] < last)
			owner[r] = JOIN_NOWHERE;
		at[r] = owner[r] != JOIN_NOWHERE ? owner[r] : place_loose(in, owner, r, last);
		last = at[r];
	}
	return merge(in, &plan, at, out) ? RES_OK : fault_memory(f);
}

void join_free(struct join *j)
{
	vec_free(&j->items);
}
