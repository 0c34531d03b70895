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

/* Copy a thread state into s->tstate, if it is not there yet. False: it cannot be read. */
static int load_tstate(struct walk *w, uint64_t at)
{
	struct scratch *s = w->s;

	if (s->tstate_at == at)
		return 1;
	s->tstate_at = 0;
	if (bpf_probe_read_user(
		s->tstate, w->p->tstate_size & (PY_OFFSETS_TSTATE_MAX - 1), (const void *)at) != 0)
		return 0;
	s->tstate_at = at;
	return 1;
}

/* Read the list's head and the next interpreter. One read where they are near. */
static __always_inline int read_interp(struct walk *w, uint64_t interp, uint64_t *head, uint64_t *next)
{
	const struct py_offsets *p = w->p;
	struct scratch *s = w->s;
	uint32_t n = p->interp_threads - p->interp_next + p->word;

	if (n > PY_OFFSETS_OBJECT_MAX)
		return read_word(p, interp, p->interp_threads, head) != 0 ||
		       read_word(p, interp, p->interp_next, next) != 0;
	if (bpf_probe_read_user(s->small, n, (const void *)(interp + p->interp_next - 1)) != 0)
		return 1;
	*head = *(const uint64_t *)(s->small + ((n - p->word) & (PY_OFFSETS_OBJECT_MAX - 1))) & p->word_mask;
	*next = *(const uint64_t *)s->small & p->word_mask;
	return 0;
}

static __always_inline int on_stack(const struct walk *w, uint64_t va)
{
	return (va >= w->s->stack_lo && va < w->s->stack_hi) || (va >= w->s->other_lo && va < w->s->other_hi);
}

/* Has this state frames? */
static __always_inline int has_frames(struct walk *w, uint64_t tstate)
{
	const struct py_offsets *p = w->p;
	uint64_t at = 0;

	if (p->tstate_root_cframe == 0 || p->frame_instr == 0)
		return read_word(p, tstate, p->tstate_frame, &at) == 0 && at != 0;
	/* 3.11, 3.12 */
	return read_word(p, tstate, p->tstate_cframe, &at) == 0 && at != tstate + p->tstate_root_cframe - 1;
}

/* Is the state, which names the thread `id`, that of the current thread? */
static __always_inline int is_own_state(struct walk *w, uint64_t tstate, uint64_t id)
{
	const struct scratch *s = w->s;
	uint64_t place = 0;
	int named = id == s->thread_pointer && id != 0;

	if (!s->roams)
		return named;
	/* It has the thread that made it; where its frames are tells which one runs it. */
	if (read_word(w->p, tstate, w->p->tstate_cframe, &place) != 0)
		return named;
	return on_stack(w, place) || (named && place == tstate + w->p->tstate_root_cframe - 1);
}

/* Take a state of the current thread. Of those of one interpreter only one counts: the newest, as a
 * thread that has ended may have left one behind; or one with frames, as a thread that is being
 * started names the one that starts it (up to 3.11). */
static __always_inline void take_state(struct walk *w, uint64_t tstate)
{
	struct scratch *s = w->s;
	uint32_t n = s->found != 0 ? s->found - 1 : s->begin.n_states;
	uint32_t busy = has_frames(w, tstate) != 0;

	if (s->found != 0 && (s->found_busy || !busy))
		return;
	if (n >= PROBE_STATES) {
		s->lost = PROBE_LOST_STATES + 1;
		return;
	}
	s->begin.states[n].tstate = tstate;
	s->begin.states[n].python = s->python;
	s->begin.states[n].is_main = s->is_main;
	s->begin.n_states = s->found != 0 ? s->begin.n_states : n + 1;
	s->found = n + 1;
	s->found_busy = busy;
}

/* Copy so many words of a state from a member on into s->small. Returns 0 or an error. */
static __always_inline long read_links(struct walk *w, uint64_t at, uint64_t member, uint32_t words)
{
	return bpf_probe_read_user(w->s->small, words * w->p->word & 31, (const void *)(at + member - 1));
}

static __always_inline uint64_t link_at(const struct walk *w, uint64_t offset)
{
	return *(const uint64_t *)(w->s->small + (offset & (PY_OFFSETS_OBJECT_MAX - 1))) & w->p->word_mask;
}

/* Read where the list of a state goes on into s->at. Returns 0 if it is in none: another thread
 * has taken it out meanwhile, and what it leads to may be anything. The members are `prev` (from
 * 3.4 on), `next` and `interp` (CPython Include/cpython/pystate.h). There is no branch for what a
 * layout lacks: the verifier would follow both sides. */
static __always_inline int follow_list(struct walk *w, uint64_t at)
{
	const struct py_offsets *p = w->p;
	struct scratch *s = w->s;
	uint64_t has_prev = 0 - (((uint64_t)p->word - p->tstate_next) >> 63);
	uint64_t has_interp =
	    0 - (((uint64_t)(uint32_t)(p->tstate_interp - p->tstate_next - p->word) - 1) >> 63);
	uint64_t to = p->word & has_prev, prev;

	if (read_links(w, at, p->tstate_next - to, 3) != 0 ||
	    ((link_at(w, to + p->word) ^ s->interp) & has_interp) != 0)
		return 0;
	s->at = link_at(w, to);
	prev = link_at(w, 0);
	if (((prev ^ s->before) & has_prev) == 0)
		return 1;
	/* One that is just being put in front of it, or taken out, agrees with both. */
	return read_links(w, prev, p->tstate_next - p->word, 2) == 0 && link_at(w, 0) == s->before &&
	       link_at(w, p->word) == at;
}

/* Begin the list again, as it has changed. 1: this was done too often. */
static __always_inline long restart_list(struct walk *w)
{
	struct scratch *s = w->s;

	s->begin.n_states -= s->found != 0;
	s->found = 0;
	s->before = 0;
	if (s->tries++ < STATES_TRIES && read_word(w->p, s->interp, w->p->interp_threads, &s->at) == 0)
		return 0;
	s->lost = PROBE_LOST_STATES + 1;
	return 1;
}

static long state_step(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	uint64_t at = s->at, id;

	(void)i;
	if (at == 0)
		return 1;
	if (s->steps++ >= STATES_MAX) {
		s->lost = PROBE_LOST_STATES + 1;
		return 1;
	}
	if (read_word(w->p, at, w->p->tstate_thread_id, &id) != 0 || !follow_list(w, at))
		return restart_list(w);
	s->before = at;
	s->unbound |= id == 0;
	if (is_own_state(w, at, id))
		take_state(w, at);
	return 0;
}

/* The heads of an interpreter's list: a new state is put in front, so they tell whether it is the
 * same list. */
static long interp_heads(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	uint64_t interp = s->at, head, next;

	(void)i;
	if (interp == 0)
		return 1;
	if (read_interp(w, interp, &head, &next) != 0) {
		s->lost = PROBE_LOST_STATES + 1;
		return 1;
	}
	s->at = next;
	s->hash = mix_word(mix_word(s->hash, interp), head);
	if (head == 0)
		return 0;
	/* It may have been freed meanwhile: then it is not the same list. */
	if (load_tstate(w, head))
		s->hash = mix_word(mix_word(s->hash, TSTATE(s, w->p, thread_id)), TSTATE(s, w->p, next));
	else
		s->hash = mix_word(s->hash, bpf_ktime_get_ns());
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
	s->is_main = next == 0;
	s->interp = interp;
	s->found = 0;
	s->before = 0;
	/* In 3.10 to 3.12. */
	s->roams = !s->is_main && w->p->tstate_cframe != 0;
	s->unbound |= s->roams;
	bpf_loop(STATES_MAX + 1, state_step, w, 0);
	s->at = next;
	return s->lost != 0;
}

/* Take the states that were found earlier. False: one of them is not the thread's any more. */
static int take_known(struct walk *w)
{
	struct scratch *s = w->s;
	struct thread *th = w->thread;

	s->begin.n_states = th->n_states;
	for (uint32_t i = 0; i < PROBE_STATES; i++) {
		uint32_t python = th->states[i].python;

		s->begin.states[i] = th->states[i];
		if (i >= th->n_states || python >= PROBE_PYTHONS)
			continue;
		w->p = &w->t->pythons[python];
		if (!load_tstate(w, th->states[i].tstate) || TSTATE(s, w->p, thread_id) != s->thread_pointer)
			return 0;
	}
	return 1;
}

/* Set s->begin.states to the thread states of the current thread. It is not inlined, since its
 * stack would be added to that of the walks. */
static __noinline void find_states(struct walk *w)
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
	s->begin.n_states = s->steps = s->tries = s->unbound = 0;
	for (uint32_t i = 0; i < PROBE_PYTHONS; i++) {
		if (i >= n || s->lost)
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
	/* A state may become that of this thread while the lists stay the same: one that names no
	 * thread yet, or one of a thread that has none yet.
	 * Last: a program that interrupts this one must not take the states of before for known. */
	if (!s->lost && !s->unbound && th->n_states != 0)
		th->list = list;
}

#endif
