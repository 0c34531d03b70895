/* Frames of 3.11: one chain through all activations, cut by the activations' _PyCFrames.
 *
 *   tstate.cframe → cframe 0 ── previous → cframe 1 ── previous → tstate.root_cframe
 *                     │ current_frame        │ current_frame          (no activation)
 *                     v                      v
 *                   frame ─ previous → frame ─ previous → frame → … → NULL
 *                   └── of activation 0 ──┘ └── of activation 1 ──
 *
 * The frame's own is_entry flag is only a hint: it can be stale. */
#include "base/owned.h"
#include "python/py_process.h"

struct cut {
	uint64_t marker; /* address of the _PyCFrame; 0: the root one */
	uint64_t frame;  /* where its frames begin */
};
typedef VEC(struct cut) cuts;

static void cuts_release(cuts *c)
{
	vec_free(c);
}

static enum res read_cuts(struct py_process *py, const struct py_layout *l, const struct py_thread *t,
    uint64_t cframe, cuts *out, struct py_stack *s, struct fault *f)
{
	uint64_t root = t->tstate + l->tstate.root_cframe - 1;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->cframe_extent, l->word };
	enum res res = RES_OK;

	while (cframe != 0) {
		struct cut cut = { .marker = cframe == root ? 0 : cframe };

		if (!py_step_ok(py, l, cframe, s, &res, f))
			return res;
		if (!py_read(py->P, bytes, v.n, cframe)) {
			py_stack_break(s, "a C frame cannot be read");
			break;
		}
		cut.frame = py_view_word(&v, l->cframe.current_frame);
		if (!vec_push(out, cut))
			return fault_memory(f);
		if (cframe == root)
			break;
		cframe = py_view_word(&v, l->cframe.previous);
	}
	addrmap_clear(&py->seen);
	return res;
}

/* Close the runs of all activations up to the one whose frames begin at `at`. */
static bool advance(
    const cuts *c, size_t *k, size_t *first, uint64_t at, struct py_stack *s, enum res *res, struct fault *f)
{
	while (*k + 1 < c->n && c->at[*k + 1].frame == at) {
		if ((c->at[*k].marker != 0 || s->frames.n > *first) &&
		    !py_run_push(s, c->at[*k].marker, *first, res, f))
			return false;
		*first = s->frames.n;
		(*k)++;
	}
	return true;
}

/* Walk the chain from the youngest activation's frame on. *joins: it led to the next activation's. */
static enum res walk(struct py_process *py, struct py_runtime *rt, const cuts *c, struct py_stack *s,
    bool *joins, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->frame_extent, l->word };
	size_t k = 0, first = 0;
	unsigned bad_run = 0;
	uint64_t at = c->at[0].frame;
	enum res res = RES_OK;

	while (at != 0 && advance(c, &k, &first, at, s, &res, f)) {
		struct py_frame frame = { .addr = at };

		if (!py_step_to_frame(py, l, at, bytes, s, &res, f))
			break;
		py_frame_decode(l, &v, s->frames.n == 0, &frame);
		py_frame_look(py, rt, &v, &frame);
		if (!py_frame_push(py, rt, &frame, s, &bad_run, &res, f))
			break;
		at = py_view_word(&v, l->frame.previous);
	}
	*joins = k > 0 || (at == 0 && c->n > 1 && c->at[1].frame == 0);
	if (res != RES_OK)
		return res;
	/* Activations below the last frame: their frames were not reached, or they have none. */
	for (; k < c->n && res == RES_OK; k++) {
		if (k + 1 < c->n && c->at[k + 1].frame != 0)
			py_stack_break(s, "the chain of frames ends before its activations");
		if (c->at[k].marker != 0 || s->frames.n > first)
			(void)py_run_push(s, c->at[k].marker, first, &res, f);
		first = s->frames.n;
	}
	return res;
}

enum res py_frames_cframe(struct py_process *py, struct py_runtime *rt, const struct py_thread *t,
    const struct py_view *tstate, struct py_stack *s, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	OWNED(cuts_release) cuts c = VEC_EMPTY;
	bool joins = false;
	enum res res = read_cuts(py, l, t, py_view_word(tstate, l->tstate.cframe), &c, s, f);

	if (res != RES_OK || c.n == 0)
		return res;
	res = walk(py, rt, &c, s, &joins, f);
	if (res != RES_OK || c.at[0].marker == 0 || s->runs.n == 0 ||
	    py_entered(py, l, tstate, s, py_youngest(s), joins))
		return res;
	/* Not yet entered: it has no frames, and the others begin at the next one's, if that is one. */
	py_stack_restart(py, s);
	c.at[0].frame = c.n > 1 ? c.at[1].frame : 0;
	if (c.at[c.n - 1].marker == 0)
		res = walk(py, rt, &c, s, &joins, f);
	if (s->frames.n > 0 && s->frames.at[0].bad)
		s->frames.n = s->runs.n = 0;
	return res;
}
