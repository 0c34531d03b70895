/* Frames that compiled code has put on the chain (Nuitka; pyexpat's callbacks up to 3.3). No
 * activation of the loop runs them, but the C function that created one keeps its address until it
 * removes it.
 *
 *   native, youngest first     runs, youngest first
 *   EvalFrame                  run 0, in it
 *   call_compiled
 *   impl_work   rbx = frame    run 1, made
 *   EvalFrame                  run 2, in it
 *
 * A callee may have saved the register that holds the address, and unwritten room in a stack frame
 * may still hold it from an earlier call. So a register's value in a function counts more than a
 * word of its stack frame, and the oldest function counts more than its callees. The function must
 * lie between the activations around it. */
#include <stdlib.h>

#include "base/addrmap.h"
#include "base/owned.h"
#include "stack/join/join_loop.h"
#include "stack/join/join_plan.h"

enum { FRAME_BYTES_MAX = 65536 };

/* The native frames at which run r may be, (after, before), and the oldest one that has its
 * address. */
struct made_run {
	int64_t after, before;
	int64_t saved, slot; /* in a register, in a word of its stack; JOIN_NOWHERE: none has */
	size_t slots;        /* functions that have it in a word of their stack */
};

struct search {
	const struct join_input *in;
	const struct join_loop *loop;
	struct made_run *runs;
	struct addrmap at; /* the addresses that identify a made frame → its run */
};

static void search_release(struct search *s)
{
	free(s->runs);
	addrmap_free(&s->at);
}

/* Is run r, which has no activation, a frame that no activation runs? One that has not begun has
 * none either, or pretends not to have begun. */
static bool run_is_made(const struct join_input *in, size_t r)
{
	const struct py_run *run = &in->python->runs.at[r];
	const struct py_frame *fr = &in->python->frames.at[run->first];

	return run->marker == 0 && run->count == 1 && (fr->made || fr->instr == JOIN_NOT_BEGUN);
}

/* Lists the made runs that have no place yet, with their limits. False: out of memory. */
static bool list_made(struct search *s, const struct join_plan *plan)
{
	const struct py_stack *python = s->in->python;
	int64_t after = -1, before = (int64_t)s->in->native->frames.n;

	for (size_t r = 0; r < python->runs.n; r++) {
		const struct py_frame *fr = &python->frames.at[python->runs.at[r].first];

		s->runs[r] = (struct made_run){ after, before, JOIN_NOWHERE, JOIN_NOWHERE, 0 };
		if (plan->owner[r] > after)
			after = plan->owner[r];
		if (plan->owner[r] != JOIN_NOWHERE || !run_is_made(s->in, r))
			continue;
		if (!addrmap_put(&s->at, fr->addr, (uint32_t)r) ||
		    (fr->object != 0 && !addrmap_put(&s->at, fr->object, (uint32_t)r)))
			return false;
	}
	for (size_t r = python->runs.n; r-- > 0;) {
		s->runs[r].before = before;
		if (plan->owner[r] != JOIN_NOWHERE && plan->owner[r] < before)
			before = plan->owner[r];
	}
	return true;
}

/* The run whose frame this word identifies, if native frame i may be where it was created. */
static struct made_run *made_run_named(const struct search *s, int64_t i, uint64_t word)
{
	struct made_run *m;
	uint32_t r;

	if (word == 0 || !addrmap_get(&s->at, word, &r))
		return NULL;
	m = &s->runs[r];
	return m->after < i && i < m->before ? m : NULL;
}

static void frame_search(struct search *s, int64_t i)
{
	const struct native_frame *fr = &s->in->native->frames.at[i];
	uint64_t step = s->in->arch->pointer_size, word;
	struct made_run *m;

	if (join_is_gap(fr) || fr->signal_frame || join_in_loop(s->loop->eval, s->loop->n_eval, fr))
		return;
	for (int reg = 0; reg < ARCH_SAVED_MAX; reg++) {
		m = (fr->saved_known >> reg & 1) != 0 ? made_run_named(s, i, fr->saved[reg]) : NULL;
		if (m != NULL)
			m->saved = i;
	}
	if (s->in->word == NULL || fr->no_cfi || fr->cfa <= fr->sp || fr->cfa - fr->sp > FRAME_BYTES_MAX)
		return;
	for (uint64_t va = fr->sp; va + step <= fr->cfa; va += step) {
		m = s->in->word(s->in->data, va, &word) ? made_run_named(s, i, word) : NULL;
		if (m != NULL && m->slot != i) {
			m->slot = i;
			m->slots++;
		}
	}
}

enum res join_made(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f)
{
	OWNED(search_release) struct search s = { .in = in, .loop = loop };
	size_t n = 0;

	for (size_t r = 0; r < in->python->runs.n; r++)
		n += run_is_made(in, r) && plan->owner[r] == JOIN_NOWHERE;
	if (n == 0)
		return RES_OK;
	s.runs = calloc(in->python->runs.n, sizeof(*s.runs));
	if (s.runs == NULL || !list_made(&s, plan))
		return fault_memory(f);
	for (size_t i = 0; i < in->native->frames.n; i++)
		frame_search(&s, (int64_t)i);
	for (size_t r = 0; r < in->python->runs.n; r++) {
		const struct made_run *m = &s.runs[r];

		if (plan->owner[r] != JOIN_NOWHERE || !run_is_made(in, r))
			continue;
		plan->owner[r] = m->saved != JOIN_NOWHERE ? m->saved : m->slot;
		plan->unsure[r] = m->saved == JOIN_NOWHERE && m->slots > 1;
	}
	return RES_OK;
}
