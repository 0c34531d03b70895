/* The walk, how much of it is to be believed, and what is learned from it (the ways past a place where it is lost
 * are in walk_pass.c).
 *
 *   lost here ──>  0x7f…   (JIT code, no unwind information)
 *                  ┄┄┄┄┄   ? activations that cannot be seen: one gap
 *   marker M ───>  the loop's activation: CFA = M + K, K from any other activation of the loop
 *   resumed ────>  its caller */
#include "stack/walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "stack/walk_pass.h"

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

bool walk_agrees(const struct walk *w, size_t from, size_t r, uint64_t k, size_t *seen)
{
	const struct native_stack *s = w->out;
	const struct py_stack *python = w->python;

	*seen = 0;
	for (size_t i = from; r < python->runs.n; r++) {
		uint64_t marker = python->runs.at[r].marker;
		const struct native_frame *fr;

		while (i < s->frames.n && (s->frames.at[i].signal_frame || s->frames.at[i].cfa <= marker))
			i++;
		if (i == s->frames.n)
			break;
		fr = &s->frames.at[i];
		if (marker < fr->sp || fr->no_cfi || fr->pc == 0)
			continue;
		if (fr->cfa - marker != k || !walk_in_loop(w, fr))
			return false;
		(*seen)++;
	}
	return true;
}

/* Is the guess that led to frame `bad` confirmed by the first marker above it (run r), lying in its activation as the
 * model says, or without a model as all markers above do? Then everything up to that activation was unwound
 * rightly; *upto is the frame after it. A frame without unwind information is no activation of the loop: code that
 * works with the loop's own frame pointer (3.14's JIT) seems to reach up to the loop's CFA. */
static bool confirmed(const struct walk *w, size_t bad, size_t r, size_t *upto)
{
	struct native_stack *s = w->out;
	const struct walk_model *model = w->model;
	uint64_t marker = w->python->runs.at[r].marker;
	int64_t i = walk_frame_of(s, bad, marker);
	size_t seen;

	if (i < 0 || s->frames.at[i].no_cfi || !walk_in_loop(w, &s->frames.at[i]))
		return false;
	if (model->known
		? s->frames.at[i].cfa - marker != model->cfa_above_marker
		: s->end != UNWIND_END_DONE || !walk_agrees(w, bad, r, s->frames.at[i].cfa - marker, &seen))
		return false;
	s->frames.at[bad].how = UNWIND_RESUMED;
	*upto = (size_t)i + 1;
	return true;
}

/* How many frames are to be believed: the walk is not, behind the first frame that it reached by guessing
 * (a frame pointer where there is no unwind information), unless a marker confirms the guess. Without
 * a marker above there is nothing to check against, and nothing to lose. */
static size_t trusted(struct walk *w)
{
	struct native_stack *s = w->out;
	const struct py_stack *python = w->python;
	size_t bad = 0, r = 0;
	struct walk_trampoline t;
	const struct native_frame *from; /* where the guess was made; a gap holds a marker itself */

	for (;;) {
		while (bad < s->frames.n && s->frames.at[bad].how != UNWIND_FP)
			bad++;
		if (bad == s->frames.n)
			return bad;
		from = &s->frames.at[bad - (bad > 0)];
		if (bad > 0 && walk_trampoline_at(w->P, from, &t)) {
			if (t.ret != s->frames.at[bad].pc || from->sp + 16 != s->frames.at[bad].sp)
				return bad;
			s->frames.at[bad].how = UNWIND_CFI; /* no guess: the code says the same */
			continue;
		}
		while (
		    r < python->runs.n && python->runs.at[r].marker < (from->pc == 0 ? from->cfa : from->sp))
			r++;
		if (r == python->runs.n)
			return s->frames.n;
		if (!confirmed(w, bad, r, &bad))
			return bad;
	}
}

/* How many of the walk's frames do not depend on a frame pointer that was looked for. */
static size_t unsought(const struct native_stack *s)
{
	for (size_t k = 1; k < s->frames.n; k++) {
		if (s->frames.at[k].sought)
			return k - 1;
	}
	return s->frames.n;
}

static void learn(const struct native_stack *s, const struct py_stack *python, struct walk_model *model)
{
	size_t i = 0, n = model->known ? 0 : unsought(s);

	for (size_t r = 0; !model->known && r < python->runs.n; r++) {
		uint64_t marker = python->runs.at[r].marker;
		const struct native_frame *fr;

		while (i < n && (s->frames.at[i].signal_frame || s->frames.at[i].cfa <= marker))
			i++;
		if (i == n)
			return;
		fr = &s->frames.at[i];
		if (marker == 0 || marker < fr->sp || fr->how == UNWIND_FP || fr->no_cfi || fr->pc == 0 ||
		    i == 0)
			continue;
		*model = (struct walk_model){ .known = true,
			.pc = fr->pc,
			.cfa_above_marker = fr->cfa - marker,
			.sp_below_cfa = fr->cfa - fr->sp,
			.rbp_below_cfa = fr->cfa - fr->saved[UNWIND_RBP],
			.rbp_known = (fr->saved_known >> UNWIND_RBP & 1) != 0 };
	}
}

/* Past one place where the walk is lost. RES_NONE: no way further. */
static enum res pass(struct walk *w)
{
	struct native_stack *s = w->out;
	size_t keep = trusted(w), all = s->frames.n;
	size_t bytes;
	enum unwind_end end = s->end;
	OWNED(mem_release) struct native_frame *guessed = NULL;
	uint64_t guess;
	enum res res;

	if (keep == all && end != UNWIND_END_LOST && end != UNWIND_END_LOOP)
		return RES_NONE;
	keep = keep > 0 ? keep : all;
	bytes = (all - keep) * sizeof(*guessed);
	guessed = malloc(bytes + 1);
	if (guessed == NULL)
		return fault_memory(w->f);
	if (bytes != 0)
		memcpy(guessed, &s->frames.at[keep], bytes);
	s->frames.n = keep;
	guess = s->frames.at[keep - 1].cfa;
	if (keep < all)
		s->frames.at[keep - 1].cfa = 0; /* where the guess began: not to be believed either */
	res = walk_pass(w, guess);
	if (res != RES_NONE)
		return res;
	/* Guessed frames are better than none; without a marker to contradict them they stand. */
	s->frames.at[keep - 1].cfa = guess;
	if (bytes != 0)
		memcpy(&s->frames.at[keep], guessed, bytes);
	s->frames.n = all;
	s->end = end;
	return RES_NONE;
}

/* Once more with the registers that a system call leaves known, where the walk lacks a register: vfork() keeps its return address
 * in rdi. Of x86-64 none of them outlives the youngest activation. */
static enum res walk_with_args(struct walk *w, struct unwind_regs *regs)
{
	struct native_stack *s = w->out;
	bool narrow = Pstatus(w->P)->pr_dmodel == PR_MODEL_ILP32;

	if (!w->place_only || w->args == NULL || s->end != UNWIND_END_LOST || (!narrow && s->frames.n != 1) ||
	    !unwind_regs_args(w->P, w->args, regs))
		return RES_OK;
	s->frames.n = 0;
	return native_stack_walk(w->u, regs, 0, s, w->f);
}

enum res walk_thread(struct walk *w, const prgregset_t prregs, enum py_marking marking)
{
	struct unwind_regs regs;
	enum res res;

	unwind_regs_from_prgregs(w->P, prregs, &regs);
	if (w->place_only)
		unwind_regs_place(w->P, &regs);
	res = native_stack_walk(w->u, &regs, 0, w->out, w->f);
	if (res == RES_OK)
		res = walk_with_args(w, &regs);
	if (res == RES_OK && (walk_pass_stub(w) == RES_FAIL || walk_pass_clone(w, &regs) == RES_FAIL))
		return RES_FAIL;
	if (marking == PY_MARK_NONE)
		return res;
	while (res == RES_OK && w->out->frames.n > 0) {
		learn(w->out, w->python, w->model);
		res = pass(w);
	}
	for (size_t i = 0; i < w->out->frames.n; i++) {
		if (w->out->frames.at[i].sought)
			w->out->frames.at[i].how = UNWIND_FP; /* said, unless the registers are had */
	}
	return res == RES_NONE ? RES_OK : res;
}
