/* Frames of 3.11: one chain through all activations, cut by the activations' _PyCFrames.
 *
 *   tstate.cframe → cframe 0 ── previous → cframe 1 ── previous → tstate.root_cframe
 *                     │ current_frame        │ current_frame          (no activation)
 *                     v                      v
 *                   frame ─ previous → frame ─ previous → frame → … → NULL
 *                   └── of activation 0 ──┘ └── of activation 1 ──
 *
 * The frame's own is_entry flag is only a hint: it can be stale. */
#include "python/frames/py_frames_cframe.h"

#include "base/owned.h"

/* The start of an activation's frames. */
struct cut {
	uint64_t marker; /* address of the _PyCFrame; 0: the root one */
	uint64_t frame;  /* its youngest frame */
};

struct cuts {
	VEC(struct cut) at; /* youngest first */
	size_t k;           /* the activation being walked */
	size_t first;       /* index of its first frame in the stack */
};

static void cuts_release(struct cuts *c)
{
	vec_free(&c->at);
}

static enum res cuts_read(struct cuts *c, struct py_walk *w, uint64_t cframe)
{
	const struct py_layout *l = &w->rt->layout;
	uint64_t root = w->thread->tstate + l->tstate.root_cframe - 1;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->cframe_extent, l->word };

	while (cframe != 0) {
		struct cut cut = { .marker = cframe == root ? 0 : cframe };

		if (!py_walk_step(w, cframe))
			return w->res;
		if (!py_read(w->py->P, bytes, v.n, cframe)) {
			py_stack_break(w->out, "a C frame cannot be read");
			break;
		}
		cut.frame = py_view_word(&v, l->cframe.current_frame);
		if (!vec_push(&c->at, cut))
			return fault_memory(w->f);
		if (cframe == root)
			break;
		cframe = py_view_word(&v, l->cframe.previous);
	}
	addrmap_clear(&w->py->seen);
	return RES_OK;
}

/* End the run of the activation being walked, and go on with the next. */
static bool cuts_next(struct cuts *c, struct py_walk *w)
{
	uint64_t marker = c->at.at[c->k].marker;
	size_t first = c->first;

	c->first = w->out->frames.n;
	c->k++;
	return py_walk_end_run(w, marker, first);
}

/* End the runs of all activations in front of the one whose frames begin at `at`. */
static bool cuts_advance(struct cuts *c, struct py_walk *w, uint64_t at)
{
	while (c->k + 1 < c->at.n && c->at.at[c->k + 1].frame == at) {
		if (!cuts_next(c, w))
			return false;
	}
	return true;
}

/* Walk the chain from the youngest activation's frame on. *joins: it led to the next
 * activation's. */
static enum res cuts_walk(struct cuts *c, struct py_walk *w, bool *joins)
{
	uint64_t at = c->at.at[0].frame;

	c->k = c->first = 0;
	while (at != 0 && cuts_advance(c, w, at) && py_walk_to_frame(w, at) && py_walk_push(w, at))
		at = py_view_word(&w->last, w->rt->layout.frame.previous);
	*joins = c->k > 0 || (at == 0 && c->at.n > 1 && c->at.at[1].frame == 0);
	/* Further activations: their frames were not reached, or they have none. */
	while (w->res == RES_OK && c->k < c->at.n) {
		if (c->k + 1 < c->at.n && c->at.at[c->k + 1].frame != 0)
			py_stack_break(w->out, "the chain of frames ends before its activations");
		(void)cuts_next(c, w);
	}
	return w->res;
}

enum res py_frames_cframe(struct py_walk *w, const struct py_view *tstate)
{
	OWNED(cuts_release) struct cuts c = { .k = 0 };
	struct py_stack *s = w->out;
	bool joins = false;
	enum res res = cuts_read(&c, w, py_view_word(tstate, w->rt->layout.tstate.cframe));

	if (res != RES_OK || c.at.n == 0)
		return res;
	res = cuts_walk(&c, w, &joins);
	if (res != RES_OK || c.at.at[0].marker == 0 || s->runs.n == 0 ||
	    py_walk_is_entered(w, tstate, py_stack_youngest(s), joins))
		return res;
	/* Not yet entered: it has no frames, and the others begin at the next one's, if that is
	 * one. */
	py_walk_restart(w);
	c.at.at[0].frame = c.at.n > 1 ? c.at.at[1].frame : 0;
	if (c.at.at[c.at.n - 1].marker == 0)
		res = cuts_walk(&c, w, &joins);
	if (s->frames.n > 0 && s->frames.at[0].bad)
		s->frames.n = s->runs.n = 0;
	return res;
}
