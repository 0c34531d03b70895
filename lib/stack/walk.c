/* The walk and its resumption.
 *
 *   lost here ──>  0x7f…   (JIT code, no unwind information)
 *                  ┄┄┄┄┄   ? activations that cannot be seen: one gap
 *   marker M ───>  the loop's activation: CFA = M + K, K from any other activation of the loop
 *   resumed ────>  its caller */
#include "stack/walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/owned.h"

/* Index of the activation among frames[from…] that holds marker, or -1. */
static int64_t frame_of(const struct native_stack *s, size_t from, uint64_t marker)
{
	for (size_t i = from; i < s->frames.n; i++) {
		const struct native_frame *fr = &s->frames.at[i];

		if (!fr->signal_frame && fr->sp <= marker && marker < fr->cfa)
			return (int64_t)i;
	}
	return -1;
}

/* Do all markers from run r on that lie in activations with unwind information, among frames[from…], have the
 * same distance k to the CFA? *seen: how many do. */
static bool agree(const struct native_stack *s, size_t from, const struct py_stack *python, size_t r,
    uint64_t k, size_t *seen)
{
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
		if (fr->cfa - marker != k)
			return false;
		(*seen)++;
	}
	return true;
}

/* Is the guess that led to frame `bad` confirmed by the first marker above it (run r), lying in its activation as the
 * model says, or without a model as all markers above do? Then everything up to that activation was unwound
 * rightly; *upto is the frame after it. A frame without unwind information is no activation of the loop: code that
 * works with the loop's own frame pointer (3.14's JIT) seems to reach up to the loop's CFA. */
static bool confirmed(struct native_stack *s, size_t bad, const struct py_stack *python, size_t r,
    const struct walk_model *model, size_t *upto)
{
	uint64_t marker = python->runs.at[r].marker;
	int64_t i = frame_of(s, bad, marker);
	size_t seen;

	if (i < 0 || s->frames.at[i].no_cfi)
		return false;
	if (model->known
		? s->frames.at[i].cfa - marker != model->cfa_above_marker
		: s->end != UNWIND_END_DONE || !agree(s, bad, python, r, s->frames.at[i].cfa - marker, &seen))
		return false;
	s->frames.at[bad].how = UNWIND_RESUMED;
	*upto = (size_t)i + 1;
	return true;
}

/* CPython's trampolines for perf (-X perf, 3.12+): code made at run time whose frame is one pushed word. */
struct trampoline {
	uint64_t pushed, ret; /* the word, the return address above it */
	bool keeps_rbp;       /* it is the caller's rbp */
};

/* Is fr one that called? Then its return address stands right before an epilogue that says all:
 * `add $8,%rsp; ret` or `pop %rbp; ret`. */
static bool trampoline_at(struct ps_prochandle *P, const struct native_frame *fr, struct trampoline *out)
{
	static const uint8_t drop[] = { 0x48, 0x83, 0xc4, 0x08, 0xc3 }, pop[] = { 0x5d, 0xc3 };
	uint8_t code[sizeof(drop)];
	uint64_t slot[2];

	if (fr->exact || fr->pc == 0 || Pread(P, code, sizeof(code), fr->pc) != sizeof(code) ||
	    (memcmp(code, drop, sizeof(drop)) != 0 && memcmp(code, pop, sizeof(pop)) != 0) ||
	    Pread(P, slot, sizeof(slot), fr->sp) != sizeof(slot))
		return false;
	*out = (struct trampoline){ slot[0], slot[1], code[0] == pop[0] };
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
	struct trampoline t;
	const struct native_frame *from; /* where the guess was made; a gap holds a marker itself */

	for (;;) {
		while (bad < s->frames.n && s->frames.at[bad].how != UNWIND_FP)
			bad++;
		if (bad == s->frames.n)
			return bad;
		from = &s->frames.at[bad - (bad > 0)];
		if (bad > 0 && trampoline_at(w->P, from, &t) && t.ret == s->frames.at[bad].pc &&
		    from->sp + 16 == s->frames.at[bad].sp) {
			s->frames.at[bad].how = UNWIND_CFI; /* no guess: the code says the same */
			continue;
		}
		while (
		    r < python->runs.n && python->runs.at[r].marker < (from->pc == 0 ? from->cfa : from->sp))
			r++;
		if (r == python->runs.n)
			return s->frames.n;
		if (!confirmed(s, bad, python, r, w->model, &bad))
			return bad;
	}
}

static void learn(const struct native_stack *s, const struct py_stack *python, struct walk_model *model)
{
	size_t i = 0;

	for (size_t r = 0; !model->known && r < python->runs.n; r++) {
		uint64_t marker = python->runs.at[r].marker;
		const struct native_frame *fr;

		while (i < s->frames.n && (s->frames.at[i].signal_frame || s->frames.at[i].cfa <= marker))
			i++;
		if (i == s->frames.n)
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

/* The lowest marker above everything that was walked; 0: none. */
static uint64_t next_marker(const struct native_stack *s, const struct py_stack *python)
{
	const struct native_frame *last = &s->frames.at[s->frames.n - 1];
	uint64_t floor = last->cfa > last->sp ? last->cfa : last->sp, best = 0;

	for (size_t r = 0; r < python->runs.n; r++) {
		uint64_t marker = python->runs.at[r].marker;

		if (marker >= floor && marker != 0 && (best == 0 || marker < best))
			best = marker;
	}
	return best;
}

/* Go on at the activation that holds marker, made up from the model. */
static enum res resume(struct walk *w, uint64_t marker)
{
	const struct walk_model *m = w->model;
	struct unwind_regs regs = { .known = 1U << UNWIND_DWARF_PC | 1U << UNWIND_DWARF_RSP };
	uint64_t cfa = marker + m->cfa_above_marker;
	struct native_stack *s = w->out;
	size_t first = s->frames.n;
	enum res res;

	regs.reg[UNWIND_DWARF_PC] = m->pc;
	regs.reg[UNWIND_DWARF_RSP] = cfa - m->sp_below_cfa;
	if (m->rbp_known) {
		regs.reg[UNWIND_DWARF_RBP] = cfa - m->rbp_below_cfa;
		regs.known |= 1U << UNWIND_DWARF_RBP;
	}
	res = native_stack_walk(w->u, &regs, 0, s, w->f);
	if (s->frames.n > first) {
		s->frames.at[first].pc = 0; /* the model's pc, not this activation's */
		s->frames.at[first].how = UNWIND_RESUMED;
		s->frames.at[first].cfa = cfa; /* known even if its caller was not reached: no second try */
	}
	return res;
}

/* Is there a call instruction right before this address, in code? (e8 rel32, or ff /2 of any length) */
static bool follows_call(struct ps_prochandle *P, uint64_t addr)
{
	const prmap_t *map = Paddr_to_map(P, addr);
	uint8_t b[7];

	if (map == NULL || (map->pr_mflags & MA_EXEC) == 0 ||
	    Pread(P, b, sizeof(b), addr - sizeof(b)) != sizeof(b))
		return false;
	if (b[2] == 0xe8)
		return true;
	for (size_t i = 0; i < sizeof(b) - 1; i++) {
		if (i != 2 && b[i] == 0xff && (b[i + 1] >> 3 & 7) == 2)
			return true;
	}
	return false;
}

/* CFA − marker of an activation that was unwound, be it one that cannot be the model (the youngest: its pc is no return
 * address); 0: there is none. */
static uint64_t distance_seen(const struct native_stack *s, const struct py_stack *python)
{
	for (size_t r = 0; r < python->runs.n; r++) {
		uint64_t marker = python->runs.at[r].marker;
		int64_t i = marker == 0 ? -1 : frame_of(s, 0, marker);
		const struct native_frame *fr = i < 0 ? NULL : &s->frames.at[i];

		if (fr != NULL && fr->how != UNWIND_FP && !fr->no_cfi && fr->pc != 0)
			return fr->cfa - marker;
	}
	return 0;
}

/* Could every activation that was not reached have its CFA k above its marker? */
static bool plausible(const struct walk *w, uint64_t floor, uint64_t k)
{
	for (size_t r = 0; r < w->python->runs.n; r++) {
		uint64_t marker = w->python->runs.at[r].marker, ret;

		if (marker < floor)
			continue;
		if (Pread(w->P, &ret, sizeof(ret), marker + k - 8) != sizeof(ret) || !follows_call(w->P, ret))
			return false;
	}
	return true;
}

/* One trial. True: w->out was extended, up to the end of the stack. */
static bool try_distance(struct walk *w, uint64_t marker, uint64_t k, bool likely)
{
	struct native_stack *s = w->out;
	struct native_frame gap = { .sp = marker, .cfa = marker + k, .how = UNWIND_RESUMED };
	struct unwind_regs regs = { .known = 1U << UNWIND_DWARF_PC | 1U << UNWIND_DWARF_RSP };
	size_t first = s->frames.n, r = 0, seen;

	if (!plausible(w, marker, k) || !vec_push(&s->frames, gap))
		return false;
	(void)Pread(w->P, &regs.reg[UNWIND_DWARF_PC], 8, marker + k - 8);
	regs.reg[UNWIND_DWARF_RSP] = marker + k;
	while (r < w->python->runs.n && w->python->runs.at[r].marker <= marker)
		r++;
	if (native_stack_walk(w->u, &regs, 0, s, w->f) == RES_OK && s->frames.n > first + 1 &&
	    s->end == UNWIND_END_DONE && agree(s, first + 1, w->python, r, k, &seen)) {
		s->frames.at[first + 1].exact = false;
		if (seen == 0 && !likely)
			s->frames.at[first + 1].how = UNWIND_FP; /* a guess that nothing confirms: say so */
		return true;
	}
	s->frames.n = first;
	return false;
}

/* No activation of the loop was seen whole yet, so CFA − marker is unknown: try what fits all markers and leads to
 * the end of the stack, first `likely` (what the frame pointer gives; 0: nothing), then from the smallest.
 * Registers besides sp are lost, which a caller that needs its frame pointer ends. True: w->out was
 * extended. */
static bool resume_by_trial(struct walk *w, uint64_t marker, uint64_t likely)
{
	enum { K_MIN = 64, K_MAX = 1024 };

	if (likely >= K_MIN && likely <= K_MAX && likely % 8 == 0 && try_distance(w, marker, likely, true))
		return true;
	for (uint64_t k = K_MIN; k <= K_MAX; k += 8) {
		if (try_distance(w, marker, k, false))
			return true;
	}
	return false;
}

/* Go on from the last frame to its caller, which is at pc with sp; its registers are the last frame's, but for rbp
 * where that is given. */
static enum res go_on(struct walk *w, uint64_t pc, uint64_t sp, const uint64_t *rbp)
{
	static const int dwarf[UNWIND_SAVED] = { 3, 6, 12, 13, 14, 15 };
	struct native_frame *last = &w->out->frames.at[w->out->frames.n - 1];
	struct unwind_regs regs = { .known = 1U << UNWIND_DWARF_PC | 1U << UNWIND_DWARF_RSP };
	size_t first = w->out->frames.n;
	enum res res;

	for (int r = 0; r < UNWIND_SAVED; r++) {
		regs.reg[dwarf[r]] = last->saved[r];
		regs.known |= (uint32_t)(last->saved_known >> r & 1) << dwarf[r];
	}
	if (rbp != NULL) {
		regs.reg[UNWIND_DWARF_RBP] = *rbp;
		regs.known |= 1U << UNWIND_DWARF_RBP;
	}
	regs.reg[UNWIND_DWARF_PC] = pc;
	regs.reg[UNWIND_DWARF_RSP] = sp;
	last->cfa = sp;
	res = native_stack_walk(w->u, &regs, 0, w->out, w->f);
	if (w->out->frames.n > first) {
		w->out->frames.at[first].exact = false;
		w->out->frames.at[first].how = UNWIND_CFI;
	}
	return res;
}

/* Past a trampoline, whose code tells where its caller is. */
static enum res pass_trampoline(struct walk *w)
{
	const struct native_frame *last = &w->out->frames.at[w->out->frames.n - 1];
	struct trampoline t;

	if (!trampoline_at(w->P, last, &t) || !follows_call(w->P, t.ret))
		return RES_NONE;
	return go_on(w, t.ret, last->sp + 16, t.keeps_rbp ? &t.pushed : NULL);
}

/* Code made at run time that jumps on and has no frame at all, caught there (libffi's closures): the word at sp is
 * the return address. Believed if the walk from it ends well and meets all markers where they should be. */
static enum res pass_stub(struct walk *w)
{
	struct native_stack *s = w->out;
	const struct native_frame *last = &s->frames.at[s->frames.n - 1];
	size_t first = s->frames.n, seen;
	uint64_t ret, k;

	if (!last->exact || w->python->runs.n == 0 ||
	    Pread(w->P, &ret, sizeof(ret), last->sp) != sizeof(ret) || !follows_call(w->P, ret))
		return RES_NONE;
	if (go_on(w, ret, last->sp + 8, NULL) == RES_OK && s->end == UNWIND_END_DONE) {
		k = w->model->known ? w->model->cfa_above_marker : distance_seen(s, w->python);
		if (k != 0 && agree(s, first, w->python, 0, k, &seen) && seen == w->python->runs.n)
			return RES_OK;
	}
	s->frames.n = first;
	s->frames.at[first - 1].cfa = 0;
	return RES_NONE;
}

/* Past one place where the walk is lost, from the frames that are to be believed on; guess: the CFA of the last of them
 * as the guess after it has it. RES_NONE: no way further, and frames beyond them are spoilt. */
static enum res pass_from(struct walk *w, uint64_t guess)
{
	struct native_stack *s = w->out;
	enum res res = pass_trampoline(w);
	uint64_t marker, likely;

	if (res == RES_NONE)
		res = pass_stub(w);
	if (res != RES_NONE)
		return res;
	marker = next_marker(s, w->python);
	if (marker == 0)
		return RES_NONE;
	if (w->model->known)
		return resume(w, marker);
	likely = distance_seen(s, w->python);
	if (likely == 0 && guess > marker)
		likely = guess - marker;
	return resume_by_trial(w, marker, likely) ? RES_OK : RES_NONE;
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
	res = pass_from(w, guess);
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

enum res walk_thread(struct walk *w, const prgregset_t prregs, enum py_marking marking)
{
	struct unwind_regs regs;
	enum res res;

	unwind_regs_from_prgregs(&regs, prregs);
	res = native_stack_walk(w->u, &regs, 0, w->out, w->f);
	if (marking == PY_MARK_NONE)
		return res;
	while (res == RES_OK && w->out->frames.n > 0) {
		learn(w->out, w->python, w->model);
		res = pass(w);
	}
	return res == RES_NONE ? RES_OK : res;
}
