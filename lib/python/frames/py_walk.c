/* Steps of a walk, their limits, and what ends it. */
#include "python/frames/py_walk.h"

#include <stdarg.h>
#include <stdio.h>

#include "os/images.h"
#include "python/frames/py_frame.h"
#include "python/objects/py_code.h"

enum {
	FRAMES_MAX = 16 << 20, /* far above anything real, low enough to end */
	BAD_RUN_MAX = 64       /* frames in a row without a code object: the chain is garbage */
};

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

static void note_unread(struct py_stack *s, uint64_t frame)
{
	if (!s->broken && !s->unread)
		(void)snprintf(s->why, sizeof(s->why), "the object of the frame at %#llx cannot be read",
		    (unsigned long long)frame);
	s->unread = true;
}

static bool walk_out_of_memory(struct py_walk *w)
{
	w->res = fault_memory(w->f);
	return false;
}

bool py_walk_step(struct py_walk *w, uint64_t addr)
{
	struct addrmap *seen = &w->py->seen;
	uint32_t before;

	if (!py_pointer_sane(addr, w->rt->layout.word)) {
		py_stack_break(w->out, "the chain of frames leads to %#llx, which is not a frame",
		    (unsigned long long)addr);
		return false;
	}
	if (addrmap_get(seen, addr, &before)) {
		py_stack_break(w->out, "the chain of frames is circular");
		return false;
	}
	if (seen->n >= FRAMES_MAX) {
		py_stack_break(w->out, "more than %d frames", FRAMES_MAX);
		return false;
	}
	return addrmap_put(seen, addr, 1) || walk_out_of_memory(w);
}

bool py_walk_to_frame(struct py_walk *w, uint64_t addr)
{
	const struct py_layout *l = &w->rt->layout;

	if (!py_walk_step(w, addr))
		return false;
	if (py_read(w->py->P, w->bytes, l->frame_extent, addr)) {
		w->last = (struct py_view){ w->bytes, l->frame_extent, l->word };
		return true;
	}
	py_stack_break(w->out, "a frame at %#llx cannot be read", (unsigned long long)addr);
	return false;
}

bool py_walk_push(struct py_walk *w, uint64_t addr)
{
	const struct py_layout *l = &w->rt->layout;
	struct py_frame frame = { .addr = addr, .found = w->found };
	bool read;

	py_frame_decode(l, &w->last, w->out->frames.n == 0, &frame);
	read = py_frame_read_object(w->py, w->rt, &w->last, &frame);
	frame.bad = py_code_load(w->py, w->rt, &frame, w->running, NULL) != RES_OK;
	frame.made = frame.made && !frame.bad;
	if (!read && !frame.bad)
		note_unread(w->out, addr);
	w->bad_run = frame.bad ? w->bad_run + 1 : 0;
	if (!vec_push(&w->out->frames, frame))
		return walk_out_of_memory(w);
	if (w->bad_run >= BAD_RUN_MAX) {
		py_stack_break(w->out, "%d frames in a row have no code object", BAD_RUN_MAX);
		return false;
	}
	return true;
}

bool py_walk_end_run(struct py_walk *w, uint64_t marker, size_t first)
{
	struct py_stack *s = w->out;
	struct py_run run = { .runtime = w->thread->runtime, .tstate = w->thread->tstate, .count = 1 };

	for (; first < s->frames.n && s->frames.at[first].made; first++) {
		run.first = (uint32_t)first;
		if (!vec_push(&s->runs, run))
			return walk_out_of_memory(w);
	}
	run.marker = marker;
	run.first = (uint32_t)first;
	run.count = (uint32_t)(s->frames.n - first);
	if (marker == 0 && run.count == 0)
		return true;
	return vec_push(&s->runs, run) || walk_out_of_memory(w);
}

void py_walk_restart(struct py_walk *w)
{
	addrmap_clear(&w->py->seen);
	w->out->frames.n = w->out->runs.n = 0;
	w->bad_run = 0;
	w->out->broken = w->out->unread = false;
	w->out->entering = true;
	py_stack_break(w->out, "an activation was just being entered");
}

size_t py_stack_youngest(const struct py_stack *s)
{
	for (size_t r = 0; r < s->runs.n; r++) {
		if (s->runs.at[r].marker != 0)
			return s->runs.at[r].first + s->runs.at[r].count;
	}
	return s->frames.n;
}

/* Is the frame at addr in the used part of a chunk of the data stack? Chunk: { previous, size, top
 * (in words; not for the newest), data } (CPython 3.11, 3.12 Include/cpython/pystate.h,
 * _PyStackChunk). */
static bool is_on_data_stack(struct py_walk *w, const struct py_view *tstate, uint64_t addr)
{
	enum { CHUNKS_MAX = 1 << 16 };
	const struct py_layout *l = &w->rt->layout;
	uint64_t chunk = py_view_word(tstate, l->tstate.chunk), top = py_view_word(tstate, l->tstate.top);
	uint64_t head[3], data = 3U * l->word;
	uint8_t bytes[sizeof(head)];
	struct py_view v = { bytes, (size_t)data, l->word };

	for (int i = 0; chunk != 0 && i < CHUNKS_MAX; i++, chunk = head[0]) {
		if (!py_read(w->py->P, bytes, v.n, chunk))
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

bool py_walk_is_entered(struct py_walk *w, const struct py_view *tstate, size_t count, bool joins)
{
	const struct py_stack *s = w->out;

	if (py_view_word(tstate, w->rt->layout.tstate.chunk) == 0)
		return true; /* no frame was ever made, or the version does not say: there is no evidence */
	if (s->broken && os_core_cut(w->py->P))
		return true; /* the chain ends where the core does */
	for (size_t i = 0; joins && i < count; i++) {
		if (s->frames.at[i].owner == PY_OWNED_BY_THREAD)
			return is_on_data_stack(w, tstate, s->frames.at[i].addr);
	}
	return joins;
}
