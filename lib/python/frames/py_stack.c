/* The frames of one thread: which family's chain to walk, and what the families share. */
#include <stdarg.h>
#include <stdio.h>

#include "os/target_os.h"
#include "python/py_process.h"

void py_stack_break(struct py_stack *s, const char *fmt, ...)
{
	va_list ap;

	if (s->broken)
		return;
	s->broken = true;
	va_start(ap, fmt);
	(void)vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
}

void py_stack_restart(struct py_process *py, struct py_stack *s)
{
	addrmap_clear(&py->seen);
	s->frames.n = s->runs.n = 0;
	s->broken = false;
	s->entering = true;
	py_stack_break(s, "an activation was just being entered");
}

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

bool py_step_ok(struct py_process *py, const struct py_layout *l, uint64_t addr, struct py_stack *s,
    enum res *res, struct fault *f)
{
	uint32_t before;

	if (!py_pointer_sane(addr, l->word)) {
		py_stack_break(
		    s, "the chain of frames leads to %#llx, which is no frame", (unsigned long long)addr);
		return false;
	}
	if (addrmap_get(&py->seen, addr, &before)) {
		py_stack_break(s, "the chain of frames runs in a circle");
		return false;
	}
	if (py->seen.n >= PY_FRAMES_MAX) {
		py_stack_break(s, "more than %d frames", PY_FRAMES_MAX);
		return false;
	}
	if (!addrmap_put(&py->seen, addr, 1)) {
		*res = fault_memory(f);
		return false;
	}
	return true;
}

bool py_step_to_frame(struct py_process *py, const struct py_layout *l, uint64_t addr, uint8_t *bytes,
    struct py_stack *s, enum res *res, struct fault *f)
{
	if (!py_step_ok(py, l, addr, s, res, f))
		return false;
	if (py_read(py->P, bytes, l->frame_extent, addr))
		return true;
	py_stack_break(s, "a frame at %#llx cannot be read", (unsigned long long)addr);
	return false;
}

bool py_frame_push(struct py_process *py, struct py_runtime *rt, struct py_frame *frame, struct py_stack *s,
    unsigned *bad_run, enum res *res, struct fault *f)
{
	frame->bad = py_code_load(py, rt, frame, NULL) != RES_OK;
	frame->made = frame->made && !frame->bad;
	*bad_run = frame->bad ? *bad_run + 1 : 0;
	if (!vec_push(&s->frames, *frame)) {
		*res = fault_memory(f);
		return false;
	}
	if (*bad_run >= PY_BAD_RUN_MAX) {
		py_stack_break(s, "%d frames in a row have no code object", PY_BAD_RUN_MAX);
		return false;
	}
	return true;
}

/* Is the frame at addr in a piece of the data stack, in its used part? Pieces: { previous, size, top (in words, of
 * those that are not the newest), data } (CPython 3.11, 3.12 Include/cpython/pystate.h, _PyStackChunk). */
static bool on_data_stack(
    struct py_process *py, const struct py_layout *l, const struct py_view *tstate, uint64_t addr)
{
	enum { PIECES_MAX = 1 << 16 };
	uint64_t chunk = py_view_word(tstate, l->tstate.chunk), top = py_view_word(tstate, l->tstate.top);
	uint64_t head[3], data = 3U * l->word;
	uint8_t bytes[sizeof(head)];
	struct py_view v = { bytes, (size_t)data, l->word };

	for (int i = 0; chunk != 0 && i < PIECES_MAX; i++, chunk = head[0]) {
		if (!py_read(py->P, bytes, v.n, chunk))
			return false;
		for (uint32_t k = 0; k < 3; k++)
			head[k] = py_view_word(&v, PY_AT(k * l->word));
		if (i > 0)
			top = chunk + data + head[2] * l->word;
		if (addr - chunk < head[1])
			return addr >= chunk + data && addr < top;
	}
	return false;
}

bool py_entered(struct py_process *py, const struct py_layout *l, const struct py_view *tstate,
    const struct py_stack *s, size_t count, bool joins)
{
	if (py_view_word(tstate, l->tstate.chunk) == 0)
		return true; /* no frame was ever made, or the version does not say: nothing to doubt by */
	if (s->broken && os_core_cut(py->P))
		return true; /* the chain ends where the core does */
	for (size_t i = 0; joins && i < count; i++) {
		if (s->frames.at[i].owner == PY_OWNED_BY_THREAD)
			return on_data_stack(py, l, tstate, s->frames.at[i].addr);
	}
	return joins;
}

size_t py_youngest(const struct py_stack *s)
{
	for (size_t r = 0; r < s->runs.n; r++) {
		if (s->runs.at[r].marker != 0)
			return s->runs.at[r].first + s->runs.at[r].count;
	}
	return s->frames.n;
}

bool py_run_push(struct py_stack *s, uint64_t marker, size_t first, enum res *res, struct fault *f)
{
	struct py_run run = { .count = 1 }; /* whose: py_stack_read */
	bool ok = true;

	for (; ok && first < s->frames.n && s->frames.at[first].made; first++) {
		run.first = (uint32_t)first;
		ok = vec_push(&s->runs, run);
	}
	run = (struct py_run){
		.marker = marker, .first = (uint32_t)first, .count = (uint32_t)(s->frames.n - first)
	};
	if (ok && (marker == 0 && run.count == 0 ? true : vec_push(&s->runs, run)))
		return true;
	*res = fault_memory(f);
	return false;
}

enum res py_stack_read(
    struct py_process *py, const struct py_thread *t, struct py_stack *out, struct fault *f)
{
	struct py_runtime *rt;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view tstate = { bytes, 0, 8 };
	struct py_stack s = { .broken = false };
	enum res res = RES_OK;

	if (t->runtime >= py->runtimes.n)
		return fault_set(f, 0, 0, t->tstate, "no such interpreter");
	rt = &py->runtimes.at[t->runtime];
	tstate.n = rt->layout.tstate_extent;
	tstate.word = rt->layout.word;
	if (!py_read(py->P, bytes, tstate.n, t->tstate))
		return fault_set(f, 0, 0, t->tstate, "the thread state cannot be read");
	if (py_view_word(&tstate, rt->layout.tstate.interp) != t->interp ||
	    py_view_word(&tstate, rt->layout.tstate.thread_id) != t->thread_id)
		return fault_set(f, 0, 0, t->tstate, "the thread state is gone");
	py->epoch++;
	addrmap_clear(&py->seen);
	switch (rt->layout.marking) {
	case PY_MARK_NONE:
		res = py_frames_object(py, rt, t, &tstate, &s, f);
		break;
	case PY_MARK_CFRAME:
		res = py_frames_cframe(py, rt, t, &tstate, &s, f);
		break;
	case PY_MARK_ENTRY:
		res = py_frames_entry(py, rt, t, &tstate, &s, f);
		break;
	}
	if (res == RES_OK && s.frames.n == 0 && s.runs.n == 0 && !s.broken)
		res = RES_NONE;
	for (size_t r = 0; r < s.runs.n; r++) {
		s.runs.at[r].runtime = t->runtime;
		s.runs.at[r].tstate = t->tstate;
	}
	if (res == RES_OK)
		*out = s;
	else
		py_stack_free(&s);
	return res;
}

/* Run r of `from` to the end of s. */
static bool take_run(struct py_stack *s, const struct py_stack *from, size_t r)
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

static bool take_cframes(struct py_stack *s, const struct py_stack *a, const struct py_stack *b)
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
	const struct py_stack *broken = s->broken ? s : other;
	struct py_stack all = { .broken = broken->broken, .entering = s->entering || other->entering };
	size_t i = 0, j = 0;

	memcpy(all.why, broken->why, sizeof(all.why));
	while (i < s->runs.n || j < other->runs.n) {
		bool mine =
		    j == other->runs.n || (i < s->runs.n && s->runs.at[i].marker <= other->runs.at[j].marker);

		if (!(mine ? take_run(&all, s, i++) : take_run(&all, other, j++)))
			break;
	}
	if (i < s->runs.n || j < other->runs.n || all.runs.n != s->runs.n + other->runs.n ||
	    !take_cframes(&all, s, other)) {
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
}
