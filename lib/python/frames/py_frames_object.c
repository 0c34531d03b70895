/* Frames up to 3.10: heap objects linked by f_back, one activation of the evaluation loop each.
 *
 *   tstate.frame → PyFrameObject ─ f_back → PyFrameObject ─ f_back → NULL
 *   tstate.cframe → CFrame (on the C stack) ─ previous → … → tstate.root_cframe       3.10 only
 *
 * A frame below the youngest that has not started, or that is not executing, was put on the chain by
 * hand (pyexpat's callbacks, a delegated throw()): it has no activation. Nor has one that is no PyFrame_Type. */
#include "python/py_process.h"

/* The CFrames on the C stack. The root one lies in the thread state; its own `previous` may be garbage. */
static enum res read_cframes(struct py_process *py, const struct py_layout *l, const struct py_thread *t,
    uint64_t cframe, struct py_stack *s, struct fault *f)
{
	enum res res = RES_OK;

	addrmap_clear(&py->seen);
	while (cframe != 0 && cframe != t->tstate + l->tstate.root_cframe - 1) {
		if (!py_step_ok(py, l, cframe, s, &res, f))
			return res;
		if (!vec_push(&s->cframes, cframe))
			return fault_memory(f);
		if (!py_read_word(py->P, l, cframe, l->cframe.previous, &cframe)) {
			py_stack_break(s, "a C frame cannot be read");
			break;
		}
	}
	return res;
}

enum res py_frames_links(struct py_process *py, struct py_runtime *rt, uint64_t at, bool found,
    uint8_t *bytes, struct py_view *last, struct py_stack *s, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	unsigned bad_run = 0;
	enum res res = RES_OK;

	*last = (struct py_view){ bytes, 0, l->word };
	while (at != 0) {
		struct py_frame frame = { .addr = at, .found = found };

		if (!py_step_to_frame(py, l, at, bytes, s, &res, f))
			break;
		last->n = l->frame_extent;
		py_frame_decode(l, last, s->frames.n == 0, &frame);
		py_frame_look(py, rt, last, &frame);
		if (!py_frame_push(py, rt, &frame, s, &bad_run, &res, f))
			break;
		if (!py_run_push(s, 0, s->frames.n - 1, &res, f))
			break;
		at = py_view_word(last, l->frame.previous);
	}
	return res;
}

enum res py_frames_object(struct py_process *py, struct py_runtime *rt, const struct py_thread *t,
    const struct py_view *tstate, struct py_stack *s, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view last;
	uint64_t end;
	enum res res =
	    py_frames_links(py, rt, py_view_word(tstate, l->tstate.frame), false, bytes, &last, s, f);

	if (res == RES_OK && s->frames.n > 0 && !s->broken)
		s->cut = py_frame_delegates(l, &last, &end);
	if (res == RES_OK && l->tstate.root_cframe != 0)
		res = read_cframes(py, l, t, py_view_word(tstate, l->tstate.cframe), s, f);
	return res;
}
