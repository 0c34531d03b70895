/* Frames up to 3.10: heap objects linked by f_back, one activation of the evaluation loop each.
 *
 *   tstate.frame → PyFrameObject ─ f_back → PyFrameObject ─ f_back → NULL
 *   tstate.cframe → CFrame (on the C stack) ─ previous → … → tstate.root_cframe       3.10 only
 *
 * A frame below the youngest that has not started, or that is not executing, was put on the chain by
 * hand (pyexpat's callbacks, a delegated throw()): it has no activation. */
#include "python/py_process.h"

/* The state byte of a frame at `state`: f_executing (0 or 1) 3.4 to 3.9; a PyFrameState (< 0: created
 * or suspended) in 3.10. */
static bool on_hold(const struct py_layout *l, int8_t state)
{
	if (l->frame.state == 0)
		return false; /* ≤ 3.3: it does not say */
	return l->trace_lineno ? state == 0 : state < 0;
}

static void decode(const struct py_layout *l, const struct py_view *v, bool youngest, struct py_frame *out)
{
	int32_t lasti = py_view_i32(v, l->frame.lasti);
	int32_t lineno = py_view_i32(v, l->frame.lineno);

	out->code = py_view_word(v, l->frame.code);
	out->instr = lasti < 0 ? UINT64_MAX : (uint64_t)lasti * l->lasti_unit;
	if (lineno > 0 && (!l->trace_lineno || py_view_word(v, l->frame.trace) != 0))
		out->line = lineno;
	out->synthetic = !youngest && (lasti < 0 || on_hold(l, (int8_t)py_view_u8(v, l->frame.state)));
}

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

enum res py_frames_object(struct py_process *py, struct py_runtime *rt, const struct py_thread *t,
    const struct py_view *tstate, struct py_stack *s, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	uint64_t at = py_view_word(tstate, l->tstate.frame);
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->frame_extent, l->word };
	unsigned bad_run = 0;
	enum res res = RES_OK;

	while (at != 0) {
		struct py_frame frame = { .addr = at };

		if (!py_step_ok(py, l, at, s, &res, f))
			break;
		if (!py_read(py->P, bytes, v.n, at)) {
			py_stack_break(s, "a frame at %#llx cannot be read", (unsigned long long)at);
			break;
		}
		decode(l, &v, s->frames.n == 0, &frame);
		if (!py_frame_push(py, rt, &frame, s, &bad_run, &res, f))
			break;
		if (!py_run_push(s, 0, s->frames.n - 1, &res, f))
			break;
		at = py_view_word(&v, l->frame.previous);
	}
	if (res == RES_OK && l->tstate.root_cframe != 0)
		res = read_cframes(py, l, t, py_view_word(tstate, l->tstate.cframe), s, f);
	return res;
}
