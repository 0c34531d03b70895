/* The stack of one thread state: read by the family of its version, merged with others,
 * finished. */
#include <string.h>

#include "python/frames/py_frames_cframe.h"
#include "python/frames/py_frames_entry.h"
#include "python/frames/py_frames_object.h"
#include "python/locals/py_locals.h"
#include "python/objects/py_code.h"

void py_stack_unowned(struct py_stack *s)
{
	struct py_run run = s->runs.at[0];

	run.marker = s->frames.at[1].addr;
	run.count = 1;
	s->frames.n = s->runs.n = 1;
	s->runs.at[0] = run;
	s->broken = false;
	s->entering = true;
	py_stack_break(s, "an activation was just being entered");
}

static enum res read_frames(struct py_walk *w, const struct py_view *tstate)
{
	switch (w->rt->layout.marking) {
	case PY_MARK_NONE:
		return py_frames_object(w, tstate);
	case PY_MARK_CFRAME:
		return py_frames_cframe(w, tstate);
	case PY_MARK_ENTRY:
		return py_frames_entry(w, tstate);
	}
	return RES_OK;
}

/* py_stack_read; running: for py_stack_prefetch. */
static enum res read_stack(
    struct py_process *py, const struct py_thread *t, bool running, struct py_stack *out, struct fault *f)
{
	uint8_t bytes[PY_STRUCT_MAX], frame_bytes[PY_STRUCT_MAX];
	struct py_view tstate = { bytes, 0, 8 };
	struct py_stack s = { .broken = false };
	struct py_walk w = {
		.py = py, .thread = t, .running = running, .out = &s, .f = f, .bytes = frame_bytes
	};
	enum res res;

	if (t->runtime >= py->runtimes.n)
		return fault_set(f, 0, 0, t->tstate, "no such interpreter");
	w.rt = &py->runtimes.at[t->runtime];
	tstate.n = w.rt->layout.tstate_extent;
	tstate.word = w.rt->layout.word;
	if (!py_read(py->P, bytes, tstate.n, t->tstate))
		return fault_set(f, 0, 0, t->tstate, "the thread state cannot be read");
	if (py_view_word(&tstate, w.rt->layout.tstate.interp) != t->interp ||
	    py_view_word(&tstate, w.rt->layout.tstate.thread_id) != t->thread_id)
		return fault_set(f, 0, 0, t->tstate, "the thread state is gone");
	py->epoch++;
	addrmap_clear(&py->seen);
	res = read_frames(&w, &tstate);
	if (res == RES_OK && s.frames.n == 0 && s.runs.n == 0 && !s.broken)
		res = RES_NONE;
	if (res == RES_OK)
		*out = s;
	else
		py_stack_free(&s);
	return res;
}

enum res py_stack_read(
    struct py_process *py, const struct py_thread *t, struct py_stack *out, struct fault *f)
{
	return read_stack(py, t, false, out, f);
}

void py_stack_prefetch(struct py_process *py, const struct py_thread *t, struct py_stack *out)
{
	struct py_stack found = { .broken = false };

	(void)read_stack(py, t, true, &found, NULL);
	if (out != NULL)
		*out = found;
	else
		py_stack_free(&found);
}

/* Append run r of `from`, with its frames. */
static bool append_run(struct py_stack *s, const struct py_stack *from, size_t r)
{
	struct py_run run = from->runs.at[r];
	uint32_t first = run.first;

	run.first = (uint32_t)s->frames.n;
	for (uint32_t k = 0; k < run.count; k++) {
		if (!vec_push(&s->frames, from->frames.at[first + k]))
			return false;
	}
	return vec_push(&s->runs, run);
}

/* The CFrames of both, by address. */
static bool merge_cframes(struct py_stack *s, const struct py_stack *a, const struct py_stack *b)
{
	size_t i = 0, j = 0;

	while (i < a->cframes.n || j < b->cframes.n) {
		bool mine = j == b->cframes.n || (i < a->cframes.n && a->cframes.at[i] <= b->cframes.at[j]);

		if (!vec_push(&s->cframes, mine ? a->cframes.at[i++] : b->cframes.at[j++]))
			return false;
	}
	return true;
}

enum res py_stack_merge(struct py_stack *s, const struct py_stack *other, struct fault *f)
{
	const struct py_stack *why = s->broken || (s->unread && !other->broken) ? s : other;
	struct py_stack all = { .broken = why->broken,
		.unread = s->unread || other->unread,
		.entering = s->entering || other->entering };
	size_t i = 0, j = 0;

	memcpy(all.why, why->why, sizeof(all.why));
	while (i < s->runs.n || j < other->runs.n) {
		bool mine =
		    j == other->runs.n || (i < s->runs.n && s->runs.at[i].marker <= other->runs.at[j].marker);

		if (!(mine ? append_run(&all, s, i++) : append_run(&all, other, j++)))
			break;
	}
	if (i < s->runs.n || j < other->runs.n || all.runs.n != s->runs.n + other->runs.n ||
	    !merge_cframes(&all, s, other)) {
		py_stack_free(&all);
		return fault_memory(f);
	}
	py_stack_free(s);
	*s = all;
	return RES_OK;
}

void py_stack_finish(struct py_process *py, struct py_stack *s)
{
	for (size_t r = 0; r < s->runs.n; r++) {
		const struct py_run *run = &s->runs.at[r];

		for (uint32_t k = 0; run->runtime < py->runtimes.n && k < run->count; k++)
			py_code_resolve(
			    py, &py->runtimes.at[run->runtime].layout, &s->frames.at[run->first + k]);
	}
}

void py_stack_free(struct py_stack *s)
{
	vec_free(&s->frames);
	vec_free(&s->runs);
	vec_free(&s->cframes);
	py_locals_free(s->locals);
	s->locals = NULL;
}
