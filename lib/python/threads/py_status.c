/* The GIL, garbage collection, the end of the interpreter, attachment.
 *
 *   up to 3.6    a variable has the thread state that holds the GIL
 *   3.7 to 3.11  the GIL is a part of the runtime
 *   3.12+        each interpreter has a pointer to its GIL
 *
 *   GIL: interval, last holder, locked (i32), switch number, a condition variable that threads wait
 *   for it at, a mutex … (pycore_gil.h). The last holder counts while it is locked. */
#include "python/threads/py_status.h"

#include "python/py_memory.h"
#include "python/py_process.h"

enum { CONDITION = 48 }; /* bytes of glibc's pthread_cond_t, of both word sizes */

static uint64_t find_gil(struct py_process *py, const struct py_runtime *rt, const struct py_thread *t)
{
	const struct py_layout *l = &rt->layout;
	uint64_t gil = 0;

	if (l->more.gil != 0)
		return rt->addr + l->more.gil - 1;
	return py_read_word(py->P, l, t->interp, l->more.gil_pointer, &gil) ? gil : 0;
}

/* Up to 3.1 the GIL is a lock, whose semaphore threads wait at (Python/ceval.c). */
static void read_old_gil(struct py_process *py, const struct py_runtime *rt, struct py_status *out)
{
	enum { WORD = 4 }; /* of a semaphore */

	if (py_read_word(py->P, &rt->layout, rt->current, PY_AT(0), &out->holder))
		out->holder_at = rt->current;
	if (rt->gil_condition != 0) {
		out->gil_lo = rt->gil_condition;
		out->gil_hi = rt->gil_condition + CONDITION;
	} else if (rt->gil_lock != 0 &&
		   py_read_word(py->P, &rt->layout, rt->gil_lock, PY_AT(0), &out->gil_lo)) {
		out->gil_hi = out->gil_lo + WORD;
	}
}

static void read_gil(
    struct py_process *py, const struct py_runtime *rt, const struct py_thread *t, struct py_status *out)
{
	const struct py_layout *l = &rt->layout;
	uint64_t gil, holder;
	int32_t locked;

	if (rt->current != 0) {
		read_old_gil(py, rt, out);
		return;
	}
	gil = l->free_threaded ? 0 : find_gil(py, rt, t);
	if (!py_pointer_sane(gil, l->word) || !py_read_word(py->P, l, gil + l->word, PY_AT(0), &holder) ||
	    !py_read(py->P, &locked, sizeof(locked), gil + 2U * l->word))
		return;
	out->gil_lo = gil + 4U * l->word;
	out->gil_hi = out->gil_lo + CONDITION;
	out->holder = locked == 1 ? holder : 0;
	out->holder_at = gil + l->word;
	out->locked_at = gil + 2U * l->word;
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
