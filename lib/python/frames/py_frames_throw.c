/* 3.9 and 3.10: the frames that a chain cut by generator.throw() does not lead to.
 *
 * A throw() goes through outer and middle into inner:
 *
 *   tstate.frame → inner ─ f_back → middle ─ f_back → NULL
 *
 *   on the C stack:   outer      suspended; the top of its value stack is middle's generator
 *                     thrower    executing; it called outer.throw()
 *                       └ f_back → … → NULL
 *
 * The words of a thread's stack also lead to other frames: stale ones, and those on the chain of
 * another candidate. The chain of an executing frame is a strand. A strand that ends at a suspended
 * generator (a throw within a throw) comes before the one that ends at NULL. If more than one order
 * is possible, none is accepted. */
#include "base/owned.h"
#include "python/frames/py_frame.h"
#include "python/frames/py_frames_object.h"

enum { FOUND_MAX = 4096, STEPS_MAX = 1 << 20 };

struct candidate {
	uint64_t addr, back, values_end;
	bool delegates, executing; /* its state */
	bool reached;              /* on the chain of another */
	bool ends_cut;             /* its own chain ends at a generator that delegates */
};

struct recovery {
	struct py_process *py;
	struct py_runtime *rt;
	VEC(struct candidate) found;
	struct addrmap index; /* address → index in found; FOUND_MAX: not a frame */
};

static void recovery_release(struct recovery *m)
{
	vec_free(&m->found);
	addrmap_free(&m->index);
}

/* Add w to the candidates if it is a frame that may be missing. */
static enum res note_candidate(struct recovery *m, uint64_t w, struct fault *f)
{
	const struct py_layout *l = &m->rt->layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->frame_extent, l->word };
	struct candidate c = { .addr = w };
	uint32_t value;

	if (!py_pointer_sane(w, l->word) || addrmap_get(&m->index, w, &value) ||
	    addrmap_get(&m->py->seen, w, &value))
		return RES_OK;
	if (!py_read_word(m->py->P, l, w, l->object.type, &c.back) || c.back != m->rt->frame_type ||
	    m->found.n == FOUND_MAX || !py_read(m->py->P, bytes, v.n, w))
		return addrmap_put(&m->index, w, FOUND_MAX) ? RES_OK : fault_memory(f);
	c.back = py_view_word(&v, l->frame.previous);
	c.delegates = py_frame_delegates(l, &v, &c.values_end);
	c.executing = !c.delegates && py_view_u8(&v, l->frame.state) == (l->frame.depth == 0 ? 1 : 0);
	if (!addrmap_put(&m->index, w, (uint32_t)m->found.n) || !vec_push(&m->found, c))
		return fault_memory(f);
	return RES_OK;
}

/* The suspended frame that delegates to the generator, or NULL. */
static const struct candidate *delegating_to(const struct recovery *m, uint64_t generator)
{
	const struct py_layout *l = &m->rt->layout;

	for (size_t i = 0; i < m->found.n; i++) {
		const struct candidate *c = &m->found.at[i];
		uint64_t top = 0;

		if (c->delegates && py_read(m->py->P, &top, l->word, c->values_end - l->word) &&
		    top == generator)
			return c;
	}
	return NULL;
}

/* Mark the candidates that the chains of others lead to, and record how each chain ends. A chain is
 * followed only up to the first frame that another has reached. */
static void mark_reached(struct recovery *m)
{
	const struct py_layout *l = &m->rt->layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->frame_extent, l->word };
	size_t steps = 0;

	for (size_t i = 0; i < m->found.n; i++) {
		struct candidate *from = &m->found.at[i];
		uint64_t at = from->back, end;
		uint32_t k;

		from->ends_cut = from->delegates;
		for (; from->executing && at != 0 && steps < STEPS_MAX; steps++) {
			if (addrmap_get(&m->index, at, &k) && k < FOUND_MAX) {
				if (m->found.at[k].reached)
					break;
				m->found.at[k].reached = true;
			}
			if (!py_read(m->py->P, bytes, v.n, at))
				break;
			from->ends_cut = py_frame_delegates(l, &v, &end);
			at = py_view_word(&v, l->frame.previous);
		}
	}
}

/* Append the generators that delegate to the one suspended in w->last, from inner to outer. */
static enum res append_outer(const struct recovery *m, struct py_walk *w)
{
	const struct candidate *c;
	enum res res = RES_OK;

	while (res == RES_OK && !w->out->broken &&
	       (c = delegating_to(m, py_view_word(&w->last, m->rt->layout.frame.generator))) != NULL)
		res = py_frames_links(w, c->addr);
	return res;
}

/* The strands in their order: the cut one (NULL: none), the whole one. False: there is no whole
 * one, or there are several of a kind. */
static bool order_strands(
    const struct recovery *m, const struct candidate **cut, const struct candidate **whole)
{
	*cut = *whole = NULL;
	for (size_t i = 0; i < m->found.n; i++) {
		const struct candidate *c = &m->found.at[i];
		const struct candidate **place = c->ends_cut ? cut : whole;

		if (!c->executing || c->reached)
			continue;
		if (*place != NULL)
			return false;
		*place = c;
	}
	return *whole != NULL;
}

static enum res append_strands(const struct recovery *m, struct py_walk *w)
{
	const struct candidate *cut, *whole;
	enum res res;

	if (!order_strands(m, &cut, &whole))
		return RES_OK;
	res = append_outer(m, w);
	if (res == RES_OK && cut != NULL)
		res = py_frames_links(w, cut->addr);
	if (res == RES_OK && cut != NULL)
		res = append_outer(m, w);
	if (res == RES_OK)
		res = py_frames_links(w, whole->addr);
	return res;
}

/* Read the frame that the chain ends at into w->last. */
static bool read_end(struct py_walk *w)
{
	const struct py_layout *l = &w->rt->layout;
	uint64_t end = w->out->frames.at[w->out->frames.n - 1].addr;

	w->last = (struct py_view){ w->bytes, l->frame_extent, l->word };
	return py_is_frame_object(w->py, w->thread->runtime, end) &&
	       py_read(w->py->P, w->bytes, w->last.n, end);
}

enum res py_stack_recover(struct py_process *py, const struct py_thread *t, struct py_words words,
    struct py_stack *s, struct fault *f)
{
	OWNED(recovery_release) struct recovery m = { .py = py };
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_walk w = { .py = py, .thread = t, .out = s, .f = f, .bytes = bytes, .found = true };
	enum res res = RES_OK;

	if (!s->cut || s->broken || t->runtime >= py->runtimes.n)
		return RES_OK;
	m.rt = w.rt = &py->runtimes.at[t->runtime];
	if (!read_end(&w))
		return RES_OK;
	addrmap_clear(&py->seen);
	for (size_t i = 0; i < s->frames.n; i++) {
		if (!addrmap_put(&py->seen, s->frames.at[i].addr, 1))
			return fault_memory(f);
	}
	for (size_t i = 0; i < words.n && res == RES_OK; i++)
		res = note_candidate(&m, words.at[i], f);
	if (res != RES_OK)
		return res;
	mark_reached(&m);
	s->frames.at[s->frames.n - 1].synthetic = true;
	res = append_strands(&m, &w);
	if (s->broken) { /* the words were misleading */
		s->broken = false;
		py_stack_drop_recovered(s);
	}
	return res;
}

void py_stack_drop_recovered(struct py_stack *s)
{
	while (s->frames.n > 0 && s->frames.at[s->frames.n - 1].found) {
		s->frames.n--;
		s->runs.n--;
	}
}
