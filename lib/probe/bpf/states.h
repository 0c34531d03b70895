/* PRIVATE to the BPF program: the thread states of a thread. */
#ifndef PROBE_BPF_STATES_H
#define PROBE_BPF_STATES_H

#include "probe/bpf/emit.h"

struct walk {
	struct scratch *s;
	const struct probe_target *t;
	const struct py_offsets *p;
	struct thread *thread;
};

static long state_step(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	uint64_t at = s->at, id;
	uint32_t n;

	(void)i;
	if (at == 0)
		return 1;
	if (read_word(w->p, at, w->p->tstate_thread_id, &id) != 0 ||
	    read_word(w->p, at, w->p->tstate_next, &s->at) != 0) {
		s->lost = PROBE_LOST_STATES + 1;
		return 1;
	}
	n = s->begin.n_states;
	if (id == w->s->thread_pointer && n >= PROBE_STATES)
		s->lost = PROBE_LOST_STATES + 1;
	if (id == w->s->thread_pointer && n < PROBE_STATES) {
		s->begin.states[n].tstate = at;
		s->begin.states[n].python = w->s->python;
		s->begin.n_states = n + 1;
	}
	return 0;
}

/* The heads of an interpreter's list: a new state is put in front, so they tell whether it is the
 * same list. */
static long interp_heads(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	uint64_t interp = s->at, head, word = 0;

	(void)i;
	if (interp == 0)
		return 1;
	if (read_word(w->p, interp, w->p->interp_threads, &head) != 0 ||
	    read_word(w->p, interp, w->p->interp_next, &s->at) != 0) {
		s->lost = PROBE_LOST_STATES + 1;
		return 1;
	}
	s->hash = mix(mix(s->hash, interp), head);
	if (head == 0)
		return 0;
	if (read_word(w->p, head, w->p->tstate_thread_id, &word) != 0) {
		s->lost = PROBE_LOST_STATES + 1;
		return 1;
	}
	s->hash = mix(s->hash, word);
	(void)read_word(w->p, head, w->p->tstate_next, &word);
	s->hash = mix(s->hash, word);
	return 0;
}

static long interp_step(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	uint64_t interp = s->at, next;

	(void)i;
	if (interp == 0)
		return 1;
	if (read_word(w->p, interp, w->p->interp_next, &next) != 0 ||
	    read_word(w->p, interp, w->p->interp_threads, &s->at) != 0) {
		s->lost = PROBE_LOST_STATES + 1;
		return 1;
	}
	bpf_loop(STATES_MAX, state_step, w, 0);
	if (s->at != 0)
		s->lost = PROBE_LOST_STATES + 1;
	s->at = next;
	return 0;
}

/* Take the states that were found earlier. False: one of them is not the thread's any more. */
static int take_known(struct walk *w)
{
	struct scratch *s = w->s;
	struct thread *th = w->thread;

	s->begin.n_states = th->n_states;
	for (uint32_t i = 0; i < PROBE_STATES; i++) {
		uint32_t python = th->states[i].python;
		uint64_t id;

		s->begin.states[i] = th->states[i];
		if (i >= th->n_states || python >= PROBE_PYTHONS)
			continue;
		w->p = &w->t->pythons[python];
		if (read_word(w->p, th->states[i].tstate, w->p->tstate_thread_id, &id) != 0 ||
		    id != s->thread_pointer)
			return 0;
	}
	return 1;
}

/* Set s->begin.states to the thread states of the current thread. */
static void find_states(struct walk *w)
{
	struct scratch *s = w->s;
	struct thread *th = w->thread;
	uint32_t n = w->t->n_pythons;
	uint64_t list;

	s->hash = 1;
	for (uint32_t i = 0; i < PROBE_PYTHONS; i++) {
		if (i >= n)
			break;
		w->p = &w->t->pythons[i];
		if (read_word(w->p, w->p->interpreters, 1, &s->at) != 0)
			s->lost = PROBE_LOST_STATES + 1;
		else
			bpf_loop(INTERPS_MAX, interp_heads, w, 0);
	}
	if (th->list == s->hash && take_known(w))
		return;
	list = s->hash;
	th->list = 0;
	s->begin.n_states = 0;
	for (uint32_t i = 0; i < PROBE_PYTHONS; i++) {
		if (i >= n)
			break;
		w->p = &w->t->pythons[i];
		w->s->python = i;
		(void)read_word(w->p, w->p->interpreters, 1, &s->at);
		bpf_loop(INTERPS_MAX, interp_step, w, 0);
		if (s->at != 0)
			s->lost = PROBE_LOST_STATES + 1;
	}
	th->n_states = s->begin.n_states;
	for (uint32_t i = 0; i < PROBE_STATES; i++)
		th->states[i] = s->begin.states[i];
	/* Last: a program that interrupts this one must not take the states of before for known. */
	if (!s->lost)
		th->list = list;
}

#endif
