#include "stack/thread_walk.h"

enum res thread_walk(
    struct stack_target *t, const struct capture_lwp *l, struct stack_thread *th, struct fault *f)
{
	enum res res = RES_OK;
	struct eval_loop_place place = { t, l->python_is != PYTHON_UNREAD ? l->thread.runtime : 0 };
	struct walk walk;

	if (l->known_regs == REGS_NONE)
		return RES_OK;
	if (t->unwinder == NULL)
		res = unwinder_create(t->capture.P, t->opt.engine, &t->unwinder, f);
	if (res != RES_OK)
		return res;
	/* Of several runtimes, the one with the youngest marker helps past what the unwinder cannot
	 * pass. */
	for (size_t r = 0; r < th->python.runs.n; r++) {
		place.runtime = th->python.runs.at[r].runtime;
		if (th->python.runs.at[r].marker != 0)
			break;
	}
	walk = (struct walk){ .P = t->capture.P,
		.u = t->unwinder,
		.python = &th->python,
		.model = &t->models[place.runtime],
		.out = &th->native,
		.f = f,
		.place_only = l->known_regs == REGS_PC_SP,
		.in_loop = t->py == NULL ? NULL : eval_loop_may_hold,
		.data = &place,
		.args = l->known_regs == REGS_PC_SP && l->blocked.in_call ? l->blocked.args : NULL };
	return walk_thread(
	    &walk, l->regs, t->py == NULL ? PY_MARK_ENTRY : py_marking_of(t->py, place.runtime));
}
