/* Who holds the GIL, garbage collection, the end of the interpreter, attachment. */
#include "python/threads/py_status.h"

#include "python/py_memory.h"
#include "python/py_process.h"
#include "python/threads/py_gil.h"

/* The address of the GIL of t's interpreter; 0: unknown. */
static uint64_t find_gil(
    struct py_process *py, const struct py_layout *l, const struct py_gil *gil, const struct py_thread *t)
{
	uint64_t at = gil->at;

	if (gil->interp != 0 && !py_read_word(py->P, l, t->interp, (py_field)gil->interp, &at))
		return 0;
	if (gil->is_pointer && !py_read_word(py->P, l, gil->at, PY_AT(0), &at))
		return 0;
	return py_pointer_sane(at, l->word) ? at : 0;
}

static void read_gil(
    struct py_process *py, const struct py_runtime *rt, const struct py_thread *t, struct py_status *out)
{
	const struct py_layout *l = &rt->layout;
	struct py_gil gil;
	uint64_t at, holder;
	int32_t locked = 1;

	py_gil_describe(rt, &gil);
	if (gil.current != 0 && py_read_word(py->P, l, gil.current, PY_AT(0), &out->holder))
		out->holder_at = gil.current;
	at = find_gil(py, l, &gil, t);
	if (at == 0)
		return;
	if (gil.current == 0) {
		if (!py_read_word(py->P, l, at, gil.holder, &holder) ||
		    !py_read(py->P, &locked, sizeof(locked), at + gil.locked - 1))
			return;
		out->holder = locked == 1 ? holder : 0;
		out->holder_at = at + gil.holder - 1;
		out->locked_at = at + gil.locked - 1;
	}
	out->gil_lo = at + gil.wait;
	out->gil_hi = out->gil_lo + gil.wait_size;
}

static bool has_frame(const struct py_stack *s, uint64_t addr)
{
	for (size_t i = 0; i < s->frames.n; i++) {
		if (s->frames.at[i].addr == addr)
			return true;
	}
	return false;
}

static void read_collecting(struct py_process *py, const struct py_runtime *rt, const struct py_thread *t,
    const struct py_stack *s, struct py_status *out)
{
	const struct py_layout *l = &rt->layout;
	uint64_t at = l->more.gc == 0 ? rt->addr : t->interp + l->more.gc - 1, frame;
	uint64_t flag = l->more.collecting == 0 ? rt->collecting : at == 0 ? 0 : at + l->more.collecting - 1;
	int32_t collecting;

	if (flag == 0 || !py_read(py->P, &collecting, sizeof(collecting), flag) || collecting != 1)
		return;
	out->collecting = true;
	/* The frame that has triggered it. */
	if (s == NULL || !py_read_word(py->P, l, at, l->more.gc_frame, &frame) || frame == 0)
		return;
	out->collecting_known = true;
	out->collecting_here = has_frame(s, frame);
}

static void read_attachment(
    struct py_process *py, const struct py_layout *l, const struct py_thread *t, struct py_status *out)
{
	static const enum py_attachment states[] = { PY_DETACHED, PY_ATTACHED, PY_SUSPENDED };
	int32_t state;

	if (l->more.state != 0 && py_read(py->P, &state, sizeof(state), t->tstate + l->more.state - 1) &&
	    state >= 0 && state < (int32_t)(sizeof(states) / sizeof(states[0])))
		out->attachment = states[state];
}

void py_status_read(
    struct py_process *py, const struct py_thread *t, const struct py_stack *s, struct py_status *out)
{
	const struct py_runtime *rt = &py->runtimes.at[t->runtime];
	uint64_t finalizing;

	*out = (struct py_status){ 0 };
	read_gil(py, rt, t, out);
	read_collecting(py, rt, t, s, out);
	read_attachment(py, &rt->layout, t, out);
	out->finalizing =
	    py_read_word(py->P, &rt->layout, rt->addr, rt->layout.more.finalizing, &finalizing) &&
	    finalizing == t->tstate;
}

size_t py_status_places(const struct py_process *py, const struct py_thread *t, uint64_t holder_at,
    uint64_t out[PY_STATUS_PLACES])
{
	const struct py_runtime *rt = &py->runtimes.at[t->runtime];
	const struct py_layout *l = &rt->layout;
	size_t n = 0;

	if (l->more.finalizing != 0)
		out[n++] = rt->addr + l->more.finalizing - 1;
	if (holder_at != 0)
		out[n++] = holder_at;
	if (l->more.collecting != 0)
		out[n++] = (l->more.gc == 0 ? rt->addr : t->interp + l->more.gc - 1) + l->more.collecting - 1;
	else if (rt->collecting != 0)
		out[n++] = rt->collecting;
	return n;
}
