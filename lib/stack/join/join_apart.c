/* Runs whose markers lie on no stack: AddressSanitizer has moved the activations' variables
 * elsewhere, and nothing shows the activation of each. There is one activation per run, in the same
 * order. */
#include <libproc.h>

#include "stack/join/join_loop.h"
#include "stack/join/join_plan.h"

bool join_function(void *data, uint64_t pc, uint64_t *start)
{
	char name[2];
	GElf_Sym sym;

	if (Plookup_by_addr(data, pc, name, sizeof(name), &sym) != 0)
		return false;
	*start = sym.st_value;
	return true;
}

struct bounds {
	uint64_t lo, hi;
};

static struct bounds bounds_of(const struct native_stack *native)
{
	struct bounds b = { UINT64_MAX, 0 };

	for (size_t i = 0; i < native->frames.n; i++) {
		const struct native_frame *fr = &native->frames.at[i];

		b.lo = fr->sp < b.lo ? fr->sp : b.lo;
		b.hi = fr->sp > b.hi ? fr->sp : b.hi;
	}
	return b;
}

static bool is_apart(const struct join_plan *plan, const struct py_run *run, size_t r, struct bounds b)
{
	return plan->owner[r] == JOIN_NOWHERE && run->count > 0 &&
	       (run->fake != 0 || (run->marker != 0 && (run->marker < b.lo || run->marker > b.hi)));
}

void join_apart(const struct join_input *in, const struct join_loop *loop, struct join_plan *plan)
{
	const struct native_stack *native = in->native;
	struct bounds b = bounds_of(native);
	int64_t limit = (int64_t)native->frames.n, floor = JOIN_NOWHERE;

	if (native->frames.n == 0 || native->end != UNWIND_END_DONE)
		return;
	/* Keep for each run the owner of the next younger run that has one. plan->at is free until
	 * later. */
	for (size_t r = 0; r < in->python->runs.n; r++) {
		bool apart = is_apart(plan, &in->python->runs.at[r], r, b);

		plan->apart |= apart;
		plan->unsure[r] |= apart && loop->n_eval > 0;
		plan->at[r] = floor;
		floor = plan->owner[r] > floor ? plan->owner[r] : floor;
	}
	for (size_t r = in->python->runs.n; plan->apart && loop->n_eval > 0 && r-- > 0;) {
		int64_t i = limit - 1;

		if (plan->owner[r] != JOIN_NOWHERE) {
			limit = plan->owner[r];
			continue;
		}
		if (!is_apart(plan, &in->python->runs.at[r], r, b))
			continue;
		while (i > plan->at[r] && !join_in_loop(loop->eval, loop->n_eval, &native->frames.at[i]))
			i--;
		if (i <= plan->at[r])
			continue;
		plan->owner[r] = limit = i;
		plan->bare[i] = false;
	}
}
