/* Where greenlets have their members.
 *
 *   up to 1.1   in the object: stack_start, stack_stop, stack_copy, stack_saved, stack_prev,
 *               parent, run_info, top_frame …
 *   2.0 on      object: weakreflist, dict, pimpl ──> a C++ object:
 *                 its functions
 *                 the object                      from 3.1 on
 *                 state of exceptions             3 words, in Python 3.7 to 3.10 five
 *                 arguments of the switch         2 words
 *                 stack_start, stack_stop, stack_copy, stack_saved, stack_prev
 *                 context                         Python 3.7+
 *                 top_frame
 *                 …                               up to nine words, by version
 *                 the object                      up to 3.0, and in the main greenlet
 *                 main greenlet, run, parent      not in the main greenlet
 *
 * What is taken proves itself: the C++ object leads back to its object, the parent and the main
 * greenlet are greenlets. greenlet.h and greenlet_greenlet.hpp, TGreenlet.hpp of 0.4.17 to 3.5. */
#include "python/tasks/greenlet_layout.h"

#include <stdlib.h>
#include <string.h>

#include "python/objects/py_text.h"
#include "python/tasks/greenlet_find.h"
#include "python/tasks/greenlet_reader.h"
#include "python/tasks/task_objects.h"

enum { STACK_WORDS = 5, IMPL_WORDS = 36 };

/* Words from top_frame to the first member after what is saved of the thread's state: a counter
 * or two, from 3.10 to 3.12 a pointer to a CFrame and a flag, from 3.11 on four pointers, and what
 * later versions of greenlet save besides. */
static const struct {
	uint32_t last;             /* version of Python */
	uint8_t least[2], most[2]; /* with words of 8 and 4 bytes */
} gaps[] = {
	{ PY_HEX(3, 9), { 2, 3 }, { 2, 3 } },
	{ PY_HEX(3, 10), { 4, 5 }, { 4, 5 } },
	{ PY_HEX(3, 11), { 8, 9 }, { 8, 9 } },
	{ PY_HEX(3, 12), { 8, 10 }, { 9, 11 } },
	{ PY_HEX(3, 13), { 7, 8 }, { 8, 9 } },
	{ PY_HEX(3, 15), { 8, 8 }, { 10, 10 } },
};

struct impl {
	uint64_t word[IMPL_WORDS];
	unsigned n; /* that could be read */
};

static uint64_t all_ones(const struct greenlet_reader *g)
{
	return g->r->rt->layout.word == 4 ? UINT32_MAX : UINT64_MAX;
}

static void read_stack(const struct greenlet_reader *g, const uint64_t *at, struct greenlet *out)
{
	out->start = at[0];
	out->stop = at[1];
	out->copy = at[2];
	out->saved = at[3];
	out->main = out->stop == all_ones(g);
	out->ended = out->stop != 0 && out->start == 0;
}

static bool is_stack_sane(const struct greenlet *o)
{
	return o->stop == 0 ? o->start == 0 : o->start <= o->stop && o->saved <= o->stop - o->start;
}

/* --- 2.0 and later --- */

/* Find the first index where that member may be and is. */
static bool find_member(struct greenlet_reader *g, const struct impl *m, unsigned top, unsigned *out,
    bool (*is)(struct greenlet_reader *, const struct impl *, unsigned, uint64_t), uint64_t addr)
{
	const struct py_layout *l = &g->r->rt->layout;
	size_t width = l->word == 4;

	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
		if (l->version > gaps[i].last)
			continue;
		for (*out = top + gaps[i].least[width]; *out <= top + gaps[i].most[width]; ++*out) {
			if (*out < m->n && is(g, m, *out, addr))
				return true;
		}
		return false;
	}
	return false;
}

/* The main greenlet, which one that has not started lacks, the callable that is run, the parent.
 * In front of them there are other things than greenlets, so the first place that fits is it. */
static bool is_family(struct greenlet_reader *g, const struct impl *m, unsigned at, uint64_t addr)
{
	(void)addr;
	return at + 2 < m->n && (m->word[at] == 0 || greenlet_is(g, m->word[at])) &&
	       greenlet_is(g, m->word[at + 2]);
}

static bool is_self(struct greenlet_reader *g, const struct impl *m, unsigned at, uint64_t addr)
{
	(void)g;
	return m->word[at] == addr;
}

static bool read_impl(struct greenlet_reader *g, uint64_t impl, struct greenlet *out)
{
	const struct py_layout *l = &g->r->rt->layout;
	bool new = l->version >= PY_HEX(3, 7), in_front;
	unsigned at, top;
	struct impl m = { .n = 0 };

	while (m.n < IMPL_WORDS && task_at(g->r, impl, m.n * l->word, &m.word[m.n]))
		m.n++;
	if (m.n < 2)
		return false;
	in_front = m.word[1] == out->addr;
	at = (in_front ? 2U : 1U) + (new && l->version < PY_HEX(3, 11) ? 5U : 3U) + 2U;
	top = at + STACK_WORDS + (new ? 1U : 0U);
	if (top >= m.n)
		return false;
	read_stack(g, m.word + at, out);
	out->top = m.word[top];
	if (find_member(g, &m, top, &at, is_self, out->addr)) {
		out->main |= in_front;
		at++;
	} else if (out->main || !in_front || !find_member(g, &m, top, &at, is_family, 0)) {
		return false;
	}
	/* When a thread ends, the stacks of its greenlets are forgotten. */
	out->ended |= out->stop == 0 && (out->main || !is_family(g, &m, at, 0) || m.word[at] != 0);
	/* In one without a parent in front the object has proved it: it may be a main greenlet. */
	if (out->main || (out->ended && !in_front))
		return true;
	out->parent = m.word[at + 2];
	return is_family(g, &m, at, 0);
}

/* --- up to 1.1 --- */

enum { N_PARENT = 5, N_TOP = 7, N_MEMBERS };

static bool read_inside(struct greenlet_reader *g, struct greenlet *out)
{
	uint64_t word[N_MEMBERS];

	for (unsigned i = 0; i < N_MEMBERS; i++) {
		if (!task_word(g->r, out->addr, i, &word[i]))
			return false;
	}
	read_stack(g, word, out);
	out->top = word[N_TOP];
	out->parent = word[N_PARENT];
	if (out->main)
		return out->parent == 0;
	return greenlet_is(g, out->parent);
}

/* --- both --- */

bool greenlet_read(struct greenlet_reader *g, uint64_t addr, struct greenlet *out)
{
	const struct py_layout *l = &g->r->rt->layout;
	uint64_t impl;
	bool ok;

	*out = (struct greenlet){ .addr = addr };
	if (g->reads++ >= GREENLET_READS_MAX) {
		g->r->out->lack.unread = true;
		return false;
	}
	if (!greenlet_is(g, addr))
		return false;
	if (g->inside) {
		ok = read_inside(g, out);
	} else {
		/* It is 0 while the greenlet is made or freed. */
		if (!task_word(g->r, addr, 2, &impl) || impl == 0)
			return false;
		ok = py_pointer_sane(impl, l->word) && read_impl(g, impl, out);
	}
	ok = ok && is_stack_sane(out);
	if (!ok)
		g->bad++;
	else if (!out->ended)
		g->good++;
	return ok;
}

static void read_version(struct greenlet_reader *g, uint64_t dict)
{
	struct py_greenlets_lack *lack = &g->r->out->lack;
	struct py_string text;
	uint64_t version;

	if (!task_item(g->r, dict, "__version__", &version) ||
	    py_text_read(g->r->P, g->r->rt, version, &text, NULL) != RES_OK)
		return;
	for (size_t i = 0; i < text.n && i < sizeof(lack->version) - 1; i++)
		lack->version[i] = text.text[i];
	free(text.text);
}

/* Objects have three members from 2.0 on, and ten at least before. tp_basicsize follows tp_name. */
bool greenlet_type(struct greenlet_reader *g)
{
	enum { NEW = 3, OLD_LEAST = 10, OLD_MOST = 32 };
	struct task_reader *r = g->r;
	const struct py_layout *l = &r->rt->layout;
	uint64_t dict, size, head = py_head_size(l);

	if (!task_module_dict(r, g->interp, "greenlet", &dict))
		return false;
	/* It is being imported. */
	if (!task_item(r, dict, "greenlet", &g->type) || !py_pointer_sane(g->type, l->word))
		return false;
	if (l->free_threaded) {
		r->out->lack.free_threaded = true;
		return false;
	}
	read_version(g, dict);
	if (!py_read_word(r->P, l, g->type, l->type.name + l->word, &size) || size < head)
		size = head;
	size = (size - head) / l->word;
	g->inside = size >= OLD_LEAST && size <= OLD_MOST;
	if (!g->inside && size != NEW) {
		r->out->lack.unknown = true;
		return false;
	}
	return true;
}
