/* Frames of 3.12 and later: one chain in which each activation ends with an entry frame of its own,
 * a stub on the C stack that runs no Python.
 *
 *   3.12  tstate.cframe → current_frame     3.13+  tstate.current_frame
 *
 *   frame → frame → ENTRY → frame → ENTRY → NULL            (3.15: → tstate.base_frame)
 *   └─ activation 0 ────┘   └─ activation 1
 *
 * Only code, previous and owner of an entry frame are initialised. */
#include "python/frames/py_frames_entry.h"

#include "os/images.h"
#include "python/frames/py_frame.h"

struct chain {
	uint64_t at;   /* the youngest frame */
	uint64_t base; /* where it ends (3.15), or 0 */
	uint64_t next; /* 3.12: the youngest frame of the next activation; 0 none */
	bool checked;  /* 3.12: there is a next activation to compare with */
	bool joins;    /* after a walk: the first entry frame leads to `next` */
};

static bool chain_find(const struct py_walk *w, const struct py_view *tstate, struct chain *out)
{
	const struct py_layout *l = &w->rt->layout;
	struct ps_prochandle *P = w->py->P;
	uint64_t cframe = py_view_word(tstate, l->tstate.cframe), previous;

	*out = (struct chain){ .at = py_view_word(tstate, l->tstate.frame),
		.base = py_view_word(tstate, l->tstate.base_frame) };
	if (l->tstate.cframe == 0)
		return true;
	if (!py_read_word(P, l, cframe, l->cframe.current_frame, &out->at))
		return false;
	out->checked = py_read_word(P, l, cframe, l->cframe.previous, &previous) && previous != 0 &&
		       py_read_word(P, l, previous, l->cframe.current_frame, &out->next);
	return true;
}

static enum res chain_walk(struct chain *c, struct py_walk *w)
{
	const struct py_layout *l = &w->rt->layout;
	struct py_stack *s = w->out;
	uint64_t at = c->at, previous;
	size_t first = 0;
	uint8_t owner;

	for (; at != 0 && at != c->base && py_walk_to_frame(w, at); at = previous) {
		owner = py_view_u8(&w->last, l->frame.owner);
		if (owner > PY_OWNER_LAST) {
			py_stack_break(s, "the chain of frames leads to %#llx, which is not a frame",
			    (unsigned long long)at);
			s->entering = s->runs.n == 0 && s->frames.n == 1; /* see py_stack_unowned */
			break;
		}
		previous = py_view_word(&w->last, l->frame.previous);
		if (owner >= PY_OWNED_BY_CSTACK) {
			c->joins = c->joins || (s->runs.n == 0 && previous == c->next);
			if (!py_walk_end_run(w, at, first))
				break;
			first = s->frames.n;
		} else if (!py_walk_push(w, at)) {
			break;
		}
	}
	if (w->res == RES_OK && s->frames.n > first) {
		/* Frames made by compiled code need none: they called the activation in front. */
		if (!s->frames.at[s->frames.n - 1].made)
			py_stack_break(s, "the chain of frames ends without an entry frame");
		(void)py_walk_end_run(w, 0, first);
	}
	return w->res;
}

enum res py_frames_entry(struct py_walk *w, const struct py_view *tstate)
{
	struct py_stack *s = w->out;
	struct chain c;
	enum res res;

	if (!chain_find(w, tstate, &c))
		return fault_set(w->f, 0, 0, w->thread->tstate, "the thread's C frame cannot be read");
	res = chain_walk(&c, w);
	/* 3.12: the C frame is linked; neither its current_frame nor its previous is written
	 * yet. */
	if (s->broken && s->runs.n == 0 && !c.checked && w->rt->layout.tstate.cframe != 0 &&
	    !os_core_cut(w->py->P))
		s->entering = true;
	if (res != RES_OK || !c.checked ||
	    py_walk_is_entered(w, tstate, s->runs.n == 0 ? 0 : py_stack_youngest(s), c.joins))
		return res;
	/* Not yet entered: the frames begin at the next activation's, if that is one. */
	py_walk_restart(w);
	c.at = c.next;
	res = chain_walk(&c, w);
	if (s->frames.n > 0 && s->frames.at[0].bad)
		s->frames.n = s->runs.n = 0;
	return res;
}
