#include "stack/walk/walk_markers.h"

int64_t walk_frame_of(const struct native_stack *s, size_t from, uint64_t marker)
{
	for (size_t i = from; i < s->frames.n; i++) {
		const struct native_frame *fr = &s->frames.at[i];

		if (!fr->signal_frame && fr->sp <= marker && marker < fr->cfa)
			return (int64_t)i;
	}
	return -1;
}

bool walk_in_loop(const struct walk *w, const struct native_frame *fr)
{
	return w->in_loop == NULL || w->in_loop(w->data, fr);
}

struct walk_cursor walk_cursor_from(const struct native_stack *s, size_t from, size_t n)
{
	struct walk_cursor c = { .i = from, .n = n, .signals = n };

	while (c.signals > from && !s->frames.at[c.signals - 1].signal_frame)
		c.signals--;
	return c;
}

/* The first frame from i on that does not end below marker. */
static size_t first_reaching(const struct native_stack *s, size_t i, size_t n, uint64_t marker)
{
	while (i < n && (s->frames.at[i].signal_frame || s->frames.at[i].cfa <= marker))
		i++;
	return i;
}

int64_t walk_cursor_next(struct walk_cursor *c, const struct native_stack *s, uint64_t marker)
{
	size_t i = first_reaching(s, c->i, c->n, marker);

	/* After the last signal frame, addresses grow. */
	if (c->i >= c->signals)
		c->i = i;
	while (i < c->n && s->frames.at[i].sp > marker) {
		while (i < c->signals && !s->frames.at[i].signal_frame)
			i++;
		if (i >= c->signals)
			return -1;
		i = first_reaching(s, i, c->n, marker);
	}
	if (i == c->n)
		return -1;
	c->i = i;
	return (int64_t)i;
}

bool walk_agrees(const struct walk *w, size_t from, size_t r, uint64_t k, size_t *seen)
{
	const struct native_stack *s = w->out;
	const struct py_stack *python = w->python;
	struct walk_cursor c = walk_cursor_from(s, from, s->frames.n);

	*seen = 0;
	for (; r < python->runs.n && c.i < c.n; r++) {
		uint64_t marker = python->runs.at[r].marker;
		int64_t i = walk_cursor_next(&c, s, marker);
		const struct native_frame *fr = i < 0 ? NULL : &s->frames.at[i];

		if (fr == NULL || fr->no_cfi || fr->gap)
			continue;
		if (fr->cfa - marker != k || !walk_in_loop(w, fr))
			return false;
		(*seen)++;
	}
	return true;
}
