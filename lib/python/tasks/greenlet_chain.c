/* The Python frames of a suspended greenlet.
 *
 *   up to 3.10   top_frame, a frame object, and those before it by f_back
 *   3.11+        the frame of that object, and those before it by `previous`, to the greenlet's
 *                first one. From 3.12 on some lie on the stack of C, in the part that greenlet
 *                may have copied away: entry frames, which run nothing
 *
 * greenlet 3.0 and later link the others past them while the greenlet is suspended. */
#include "python/tasks/greenlet_chain.h"

#include "python/frames/py_frame.h"
#include "python/objects/py_code.h"
#include "python/objects/py_type.h"
#include "python/tasks/greenlet_reader.h"
#include "python/tasks/task_chain.h"
#include "python/tasks/task_objects.h"

/* Read n bytes that are at va while the greenlet runs. */
static bool read_of(struct greenlet_reader *g, const struct greenlet *of, uint8_t *out, size_t n, uint64_t va)
{
	uint64_t into = va - of->start;

	if (va >= of->start && into < of->saved) {
		if (n > of->saved - into)
			return false;
		va = of->copy + into;
	}
	return py_read(g->r->P, out, n, va);
}

static bool is_frame_object(struct greenlet_reader *g, uint64_t addr)
{
	struct task_reader *r = g->r;
	const struct py_layout *l = &r->rt->layout;
	uint64_t type;

	return py_pointer_sane(addr, l->word) && py_read_word(r->P, l, addr, l->object.type, &type) &&
	       py_type_is(r->P, l, type, "frame", &r->rt->frame_type);
}

/* Append the frame in v. False: no more are wanted. */
static bool take_frame(struct greenlet_reader *g, struct py_task *t, const struct py_view *v, uint64_t addr)
{
	struct task_reader *r = g->r;
	const struct py_layout *l = &r->rt->layout;
	struct py_frame frame = { .addr = addr };

	py_frame_decode(l, v, true, &frame);
	if (l->marking != PY_MARK_NONE && frame.owner >= PY_OWNED_BY_CSTACK) {
		t->cut |= frame.owner > PY_OWNER_LAST;
		return !t->cut;
	}
	(void)py_frame_read_object(r->py, r->rt, v, &frame);
	frame.bad = py_code_load(r->py, r->rt, &frame, false, NULL) != RES_OK;
	if (!task_push_frame(r, t, &frame))
		return false;
	t->frame = addr;
	t->code = frame.code;
	return true;
}

static void follow_frames(
    struct greenlet_reader *g, const struct greenlet *of, struct py_task *t, uint64_t at)
{
	const struct py_layout *l = &g->r->rt->layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->frame_extent, l->word };
	bool first = true;

	/* Entry frames are not among those that are counted. */
	for (int n = 0; at != 0 && g->r->res == RES_OK; n++) {
		if (n > 2 * PY_TASK_FRAMES_MAX || !py_pointer_sane(at, l->word) ||
		    (l->marking == PY_MARK_NONE && !is_frame_object(g, at)) ||
		    !read_of(g, of, bytes, v.n, at) ||
		    (first && l->marking != PY_MARK_NONE && py_view_word(&v, l->frame.object) != of->top)) {
			t->cut = true;
			return;
		}
		if (!take_frame(g, t, &v, at))
			return;
		at = py_view_word(&v, l->frame.previous);
		first = false;
	}
}

void greenlet_chain(struct greenlet_reader *g, const struct greenlet *of, struct py_task *t)
{
	struct task_reader *r = g->r;
	struct py_stack *s = &r->out->stack;
	struct py_run run = { .runtime = r->runtime, .first = (uint32_t)s->frames.n };
	uint64_t at = of->top;

	t->first_frame = run.first;
	/* From 3.11 on a frame object has the address of the frame after its f_back. */
	if (!is_frame_object(g, of->top) ||
	    (r->rt->layout.marking != PY_MARK_NONE && (!task_word(r, of->top, 1, &at) || at == 0)))
		t->cut = true;
	else
		follow_frames(g, of, t, at);
	run.count = t->n_frames;
	if (r->res == RES_OK && !vec_push(&s->runs, run))
		(void)task_no_memory(r);
}
