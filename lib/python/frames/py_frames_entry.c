/* Frames of 3.12 and later: one chain in which each activation ends with an entry frame of its own,
 * a stub on the C stack that runs no Python.
 *
 *   3.12  tstate.cframe → current_frame     3.13+  tstate.current_frame
 *
 *   frame → frame → ENTRY → frame → ENTRY → NULL            (3.15: → tstate.base_frame)
 *   └─ activation 0 ────┘   └─ activation 1
 *
 * Of an entry frame only code, previous and owner are initialised. */
#include "os/target_os.h"
#include "python/py_process.h"

struct start {
	uint64_t at;   /* the youngest frame */
	uint64_t next; /* 3.12: the youngest of the next activation; 0 none */
	bool checked;  /* 3.12: there is a next one to compare with */
};

static bool youngest(
    struct py_process *py, const struct py_layout *l, const struct py_view *tstate, struct start *out)
{
	uint64_t cframe = py_view_word(tstate, l->tstate.cframe), previous;

	*out = (struct start){ .at = py_view_word(tstate, l->tstate.frame) };
	if (l->tstate.cframe == 0)
		return true;
	if (!py_read_word(py->P, l, cframe, l->cframe.current_frame, &out->at))
		return false;
	out->checked = py_read_word(py->P, l, cframe, l->cframe.previous, &previous) && previous != 0 &&
		       py_read_word(py->P, l, previous, l->cframe.current_frame, &out->next);
	return true;
}

/* Walk the chain from `at` on. *joins: its first activation's entry frame leads to `next`. */
static enum res walk(struct py_process *py, struct py_runtime *rt, uint64_t at, uint64_t base, uint64_t next,
    struct py_stack *s, bool *joins, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->frame_extent, l->word };
	size_t first = 0;
	unsigned bad_run = 0;
	enum res res = RES_OK;

	while (at != 0 && at != base) {
		struct py_frame frame = { .addr = at };

		if (!py_step_to_frame(py, l, at, bytes, s, &res, f))
			break;
		frame.owner = py_view_u8(&v, l->frame.owner);
		if (frame.owner > PY_OWNER_LAST) {
			py_stack_break(s, "what lies at %#llx is no frame", (unsigned long long)at);
			s->entering = s->runs.n == 0 && s->frames.n == 1; /* see py_stack_unowned */
			break;
		}
		at = py_view_word(&v, l->frame.previous);
		if (frame.owner >= PY_OWNED_BY_CSTACK) {
			*joins = *joins || (s->runs.n == 0 && at == next);
			if (!py_run_push(s, frame.addr, first, &res, f))
				break;
			first = s->frames.n;
		} else {
			py_frame_decode(l, &v, s->frames.n == 0, &frame);
			py_frame_look(py, rt, &v, &frame);
			if (!py_frame_push(py, rt, &frame, s, &bad_run, &res, f))
				break;
		}
	}
	if (res == RES_OK && s->frames.n > first) {
		/* What compiled code puts behind the last one has called it. */
		if (!s->frames.at[s->frames.n - 1].made)
			py_stack_break(s, "the chain of frames ends without an entry frame");
		(void)py_run_push(s, 0, first, &res, f);
	}
	return res;
}

enum res py_frames_entry(struct py_process *py, struct py_runtime *rt, const struct py_thread *t,
    const struct py_view *tstate, struct py_stack *s, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	uint64_t base = py_view_word(tstate, l->tstate.base_frame);
	struct start start;
	bool joins = false;
	enum res res;

	if (!youngest(py, l, tstate, &start))
		return fault_set(f, 0, 0, t->tstate, "the thread's C frame cannot be read");
	res = walk(py, rt, start.at, base, start.next, s, &joins, f);
	/* 3.12: the C frame is linked, and neither what it leads to nor the one before it is written yet. */
	if (s->broken && s->runs.n == 0 && !start.checked && l->tstate.cframe != 0 && !os_core_cut(py->P))
		s->entering = true;
	if (res != RES_OK || !start.checked ||
	    py_entered(py, l, tstate, s, s->runs.n == 0 ? 0 : py_youngest(s), joins))
		return res;
	/* Not yet entered: the frames begin at the next activation's, if that is one. */
	py_stack_restart(py, s);
	res = walk(py, rt, start.next, base, 0, s, &joins, f);
	if (s->frames.n > 0 && s->frames.at[0].bad)
		s->frames.n = s->runs.n = 0;
	return res;
}
