/* Frames up to 3.10: heap objects linked by f_back, one activation of the evaluation loop each.
 *
 *   tstate.frame → PyFrameObject ─ f_back → PyFrameObject ─ f_back → NULL
 *   tstate.cframe → CFrame (on the C stack) ─ previous → … → tstate.root_cframe       3.10 only
 *
 * A frame after the youngest that has not started, or is not executing, was put on the chain by
 * hand (pyexpat's callbacks, a delegated throw()): it has no activation. Nor has one whose type is
 * not PyFrame_Type. */
#include "python/frames/py_frames_object.h"

#include "python/frames/py_frame.h"

/* The CFrames on the C stack. The root one lies in the thread state; its own `previous` may be
 * garbage. */
static enum res read_cframes(struct py_walk *w, uint64_t cframe)
{
	const struct py_layout *l = &w->rt->layout;
	uint64_t root = w->thread->tstate + l->tstate.root_cframe - 1;

	addrmap_clear(&w->py->seen);
	while (cframe != 0 && cframe != root && py_walk_step(w, cframe)) {
		if (!vec_push(&w->out->cframes, cframe))
			return fault_memory(w->f);
		if (!py_read_word(w->py->P, l, cframe, l->cframe.previous, &cframe)) {
			py_stack_break(w->out, "a C frame cannot be read");
			break;
		}
	}
	return w->res;
}

enum res py_frames_links(struct py_walk *w, uint64_t at)
{
	w->bad_run = 0;
	while (at != 0 && py_walk_to_frame(w, at) && py_walk_push(w, at) &&
	       py_walk_end_run(w, 0, w->out->frames.n - 1))
		at = py_view_word(&w->last, w->rt->layout.frame.previous);
	return w->res;
}

enum res py_frames_object(struct py_walk *w, const struct py_view *tstate)
{
	const struct py_layout *l = &w->rt->layout;
	struct py_stack *s = w->out;
	uint64_t end;
	enum res res = py_frames_links(w, py_view_word(tstate, l->tstate.frame));

	if (res == RES_OK && s->frames.n > 0 && !s->broken)
		s->cut = py_frame_delegates(l, &w->last, &end);
	if (res == RES_OK && l->tstate.root_cframe != 0)
		res = read_cframes(w, py_view_word(tstate, l->tstate.cframe));
	return res;
}
