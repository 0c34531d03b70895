#include "stack/eval_loop.h"

#include "stack/join/join_loop.h"
#include "stack/target.h"

struct join_loop eval_loop_of(struct stack_target *t, uint32_t runtime, enum eval_loop_code code)
{
	struct eval_loop *loop = &t->loops[runtime];
	struct join_loop out = { .runtime = runtime,
		.marking = py_marking_of(t->py, runtime),
		.cframes = py_version(t->py, runtime) >> 16 == 0x030a };

	/* The result does not depend on whether an earlier call has looked the code up. */
	if (code == EVAL_LOOP_UNMARKED && out.marking != PY_MARK_NONE)
		return out;
	if (!loop->by_name) {
		loop->by_name = true;
		loop->n = py_eval_ranges(t->py, runtime, loop->at, EVAL_LOOP_RANGES);
	}
	out.eval = loop->at;
	out.n_eval = loop->n;
	return out;
}

bool eval_loop_may_hold(void *data, const struct native_frame *fr)
{
	const struct eval_loop_place *p = data;
	struct join_loop loop = eval_loop_of(p->t, p->runtime, EVAL_LOOP_ALWAYS);

	return loop.n_eval == 0 || join_in_loop(loop.eval, loop.n_eval, fr);
}
