/* The fallbacks for a place where the walk is lost, most certain first: what the code there shows,
 * what the stack shows and all markers confirm, the activation of the next marker. */
#include "stack/walk/walk_recover.h"

#include "os/regs.h"
#include "stack/walk/walk_jit.h"
#include "stack/walk/walk_markers.h"
#include "stack/walk/walk_stubs.h"

/* The number of runs up to the last one of this runtime that lies in the walk. */
static size_t runs_walked(const struct native_stack *s, const struct py_stack *python, uint32_t runtime)
{
	struct walk_cursor c = walk_cursor_from(s, 0, s->frames.n);
	size_t walked = 0;

	for (size_t r = 0; r < python->runs.n; r++) {
		const struct py_run *run = &python->runs.at[r];

		if (run->runtime == runtime && run->marker != 0 && walk_cursor_next(&c, s, run->marker) >= 0)
			walked = r + 1;
	}
	return walked;
}

/* The lowest marker above everything that was walked; 0: none. After a signal frame the walk may be
 * below a handler's stack, so runs that were walked are left out. */
static uint64_t next_marker(const struct native_stack *s, const struct py_stack *python)
{
	const struct native_frame *last = &s->frames.at[s->frames.n - 1];
	uint64_t floor = last->cfa > last->sp ? last->cfa : last->sp, best = 0;
	bool handled = walk_cursor_from(s, 0, s->frames.n).signals > 0;
	size_t walked = 0;

	for (size_t r = 0; r < python->runs.n; r++) {
		uint64_t marker = python->runs.at[r].marker;
		uint32_t runtime = python->runs.at[r].runtime;

		if (handled && (r == 0 || runtime != python->runs.at[r - 1].runtime))
			walked = runs_walked(s, python, runtime);
		if (r >= walked && marker >= floor && marker != 0 && (best == 0 || marker < best))
			best = marker;
	}
	return best;
}

/* Resumes at the activation that holds marker, constructed from the model. */
static enum res resume_by_model(struct walk *w, uint64_t marker)
{
	const struct walk_model *m = w->model;
	struct unwind_regs regs;
	uint64_t cfa = marker + m->cfa_above_marker;
	struct native_stack *s = w->out;
	size_t first = s->frames.n;
	enum res res;

	unwind_regs_at(w->P, NULL, m->pc, cfa - m->sp_below_cfa, &regs);
	if (m->fp_known)
		unwind_regs_set_fp(w->P, cfa - m->fp_below_cfa, &regs);
	res = native_stack_walk(w->u, &regs, 0, s, w->f);
	if (s->frames.n > first) {
		s->frames.at[first].pc = 0; /* the model's pc, not this activation's */
		s->frames.at[first].gap = true;
		s->frames.at[first].how = UNWIND_RESUMED;
		s->frames.at[first].cfa = cfa; /* known even if its caller was not reached: no second try */
	}
	return res;
}

/* The number of runs that have activations. Frames that compiled code has put on the chain have
 * none. */
static size_t count_activations(const struct py_stack *python)
{
	size_t n = python->runs.n;

	for (size_t r = 0; r < python->runs.n; r++) {
		const struct py_run *run = &python->runs.at[r];

		n -= run->marker == 0 && run->count == 1 && python->frames.at[run->first].made;
	}
	return n;
}

/* CFA - marker of an activation that was unwound, even if it cannot be the model (the youngest: its
 * pc is not a return address); 0: none. */
static uint64_t distance_seen(const struct native_stack *s, const struct py_stack *python)
{
	for (size_t r = 0; r < python->runs.n; r++) {
		uint64_t marker = python->runs.at[r].marker;
		int64_t i = marker == 0 ? -1 : walk_frame_of(s, 0, marker);
		const struct native_frame *fr = i < 0 ? NULL : &s->frames.at[i];

		if (fr != NULL && fr->how != UNWIND_FP && !fr->no_cfi && !fr->gap)
			return fr->cfa - marker;
	}
	return 0;
}

/* Can every activation that was not reached have its CFA k above its marker? */
static bool is_plausible(const struct walk *w, uint64_t floor, uint64_t k)
{
	for (size_t r = 0; r < w->python->runs.n; r++) {
		uint64_t marker = w->python->runs.at[r].marker, ret;

		if (marker < floor)
			continue;
		if (Pread(w->P, &ret, sizeof(ret), marker + k - 8) != sizeof(ret) ||
		    !unwind_follows_call(w->P, ret))
			return false;
	}
	return true;
}

/* True if the walk leads past all markers. One that ends below a marker went astray: words that an
 * earlier call left may look like the end of a stack. */
static bool passes_markers(const struct walk *w)
{
	const struct native_stack *s = w->out;
	uint64_t top = 0;

	for (size_t i = 0; i < s->frames.n; i++) {
		const struct native_frame *fr = &s->frames.at[i];

		top = fr->sp > top ? fr->sp : top;
		top = fr->cfa > top ? fr->cfa : top;
	}
	for (size_t r = 0; r < w->python->runs.n; r++) {
		if (w->python->runs.at[r].marker >= top)
			return false;
	}
	return true;
}

/* Tries one distance; known: another activation has it. True: w->out was extended, up to the end of
 * the stack. */
static bool try_distance(struct walk *w, uint64_t marker, uint64_t k, bool known)
{
	struct native_stack *s = w->out;
	struct native_frame gap = { .sp = marker, .cfa = marker + k, .how = UNWIND_RESUMED, .gap = true };
	struct unwind_regs regs;
	size_t first = s->frames.n, r = 0, seen;
	uint64_t pc = 0;

	if (!is_plausible(w, marker, k) || !vec_push(&s->frames, gap))
		return false;
	(void)Pread(w->P, &pc, sizeof(pc), marker + k - 8);
	unwind_regs_at(w->P, NULL, pc, marker + k, &regs);
	while (r < w->python->runs.n && w->python->runs.at[r].marker <= marker)
		r++;
	if (native_stack_walk(w->u, &regs, 0, s, w->f) == RES_OK && s->frames.n > first + 1 &&
	    s->end == UNWIND_END_DONE && passes_markers(w) && walk_agrees(w, first + 1, r, k, &seen)) {
		s->frames.at[first + 1].exact = false;
		if (seen == 0 && !known)
			s->frames.at[first + 1].how = UNWIND_FP; /* an unconfirmed guess: mark it */
		return true;
	}
	s->frames.n = first;
	return false;
}

/* No activation of the loop was seen whole, so CFA − marker is unknown. Tries the distances that
 * fit all markers and lead to the end of the stack: first `likely` (known: that of another
 * activation, else from the frame pointer; 0: none), then from the smallest. Registers other than
 * sp are lost, so a caller that needs its frame pointer ends the walk. True: w->out was
 * extended. */
static bool resume_by_trial(struct walk *w, uint64_t marker, uint64_t likely, bool known)
{
	enum { K_MIN = 64, K_MAX = 1024 };

	if (likely >= K_MIN && likely <= K_MAX && likely % 8 == 0 && try_distance(w, marker, likely, known))
		return true;
	for (uint64_t k = K_MIN; k <= K_MAX; k += 8) {
		if (try_distance(w, marker, k, false))
			return true;
	}
	return false;
}

/* Goes on from the last frame to its caller, which is at pc with sp. Its registers are the last
 * frame's, except the frame pointer where that is given. */
static enum res walk_on(struct walk *w, uint64_t pc, uint64_t sp, const uint64_t *fp)
{
	struct native_frame *last = &w->out->frames.at[w->out->frames.n - 1];
	struct unwind_regs regs;
	size_t first = w->out->frames.n;
	enum res res;

	unwind_regs_at(w->P, last, pc, sp, &regs);
	if (fp != NULL)
		unwind_regs_set_fp(w->P, *fp, &regs);
	last->cfa = sp;
	res = native_stack_walk(w->u, &regs, 0, w->out, w->f);
	if (w->out->frames.n > first) {
		w->out->frames.at[first].exact = false;
		w->out->frames.at[first].how = UNWIND_CFI;
	}
	return res;
}

/* Past a trampoline for perf, whose code shows where its caller is. */
static enum res pass_perf_trampoline(struct walk *w)
{
	struct unwind_perf_caller caller;

	if (!walk_perf_caller(w->P, &w->out->frames.at[w->out->frames.n - 1], &caller) ||
	    !unwind_follows_call(w->P, caller.pc))
		return RES_NONE;
	return walk_on(w, caller.pc, caller.sp, caller.fp_known ? &caller.fp : NULL);
}

enum res walk_pass_stub(struct walk *w)
{
	struct native_stack *s = w->out;
	struct walk_stub stub;
	uint64_t ret, fp;

	if (s->frames.n == 0 || !walk_stub_at(w->P, &s->frames.at[0], &stub) ||
	    Pread(w->P, &ret, sizeof(ret), stub.slot) != sizeof(ret) || !unwind_follows_call(w->P, ret) ||
	    (stub.has_fp && Pread(w->P, &fp, sizeof(fp), stub.slot - 8) != sizeof(fp)))
		return RES_NONE;
	s->frames.n = 1;
	return walk_on(w, ret, stub.slot + 8, stub.has_fp ? &fp : NULL);
}

enum res walk_pass_clone(struct walk *w, const struct unwind_regs *regs)
{
	struct native_stack *s = w->out;
	enum walk_clone clone =
	    s->frames.n == 0 ? WALK_CLONE_NOT : walk_clone_at(w->P, &s->frames.at[0], regs);
	uint64_t sp, ret;

	if (clone == WALK_CLONE_NOT)
		return RES_NONE;
	if (clone == WALK_CLONE_NEWBORN) {
		s->frames.n = 1;
		s->end = UNWIND_END_DONE;
		s->reason = UNWIND_NO_REASON;
		return RES_OK;
	}
	sp = s->frames.at[0].sp;
	if (Pread(w->P, &ret, sizeof(ret), sp) != sizeof(ret) || !unwind_follows_call(w->P, ret))
		return RES_NONE;
	s->frames.n = 1;
	return walk_on(w, ret, sp + sizeof(ret), NULL);
}

/* Past generated code that jumps on and has no frame: the word at sp is the return address.
 * Accepted if the walk from it reaches the end of the stack and meets all markers where they
 * belong. */
static enum res pass_bare(struct walk *w)
{
	struct native_stack *s = w->out;
	const struct native_frame *last = &s->frames.at[s->frames.n - 1];
	size_t first = s->frames.n, seen;
	uint64_t ret, k;

	if (!last->exact || w->python->runs.n == 0 ||
	    Pread(w->P, &ret, sizeof(ret), last->sp) != sizeof(ret) || !unwind_follows_call(w->P, ret))
		return RES_NONE;
	if (walk_on(w, ret, last->sp + 8, NULL) == RES_OK && s->end == UNWIND_END_DONE) {
		k = w->model->known ? w->model->cfa_above_marker : distance_seen(s, w->python);
		if (k != 0 && walk_agrees(w, first, 0, k, &seen) && seen == count_activations(w->python))
			return RES_OK;
	}
	s->frames.n = first;
	s->frames.at[first - 1].cfa = 0;
	return RES_NONE;
}

/* Repeats the last frame with its frame pointer at slot, where its caller's is saved, below the
 * return address. True: the walk from there reaches the end of the stack and meets all markers
 * where they belong. */
static bool try_frame_pointer(struct walk *w, uint64_t slot)
{
	struct native_stack *s = w->out;
	struct native_frame last = s->frames.at[s->frames.n - 1];
	struct unwind_regs regs;
	size_t first = s->frames.n - 1, seen;
	uint64_t k;

	unwind_regs_at(w->P, NULL, last.pc, last.sp, &regs);
	unwind_regs_set_fp(w->P, slot, &regs);
	s->frames.n = first;
	if (native_stack_walk(w->u, &regs, 0, s, w->f) == RES_OK && s->frames.n > first + 1 &&
	    s->end == UNWIND_END_DONE) {
		k = w->model->known ? w->model->cfa_above_marker : distance_seen(s, w->python);
		if (k != 0 && walk_agrees(w, 0, 0, k, &seen) && seen == count_activations(w->python)) {
			s->frames.at[first].exact = last.exact;
			s->frames.at[first].how = last.how;
			return true;
		}
	}
	s->frames.n = first;
	return vec_push(&s->frames, last) && false;
}

/* Is frame i at the distance from its CFA to its marker that others confirm? Then that is its
 * CFA. */
static bool is_measured(const struct walk *w, size_t i)
{
	const struct native_frame *fr = &w->out->frames.at[i];

	for (size_t r = 0; r < w->python->runs.n; r++) {
		if (walk_frame_of(w->out, i, w->python->runs.at[r].marker) == (int64_t)i)
			return (w->model->known || w->python->runs.n > 1) && w->in_loop != NULL &&
			       w->in_loop(w->data, fr);
	}
	return false;
}

/* Past a frame that is described by its frame pointer, when only pc and sp are known. The frame
 * pointer points to the first word above sp that can be a saved one: it points up the stack to
 * another such word, and each has a return address above it. This passes over a saved word that is
 * not a pointer, with its activation, and the word found may have been left by an earlier call. So
 * the caller is uncertain, unless no return address was passed over and a marker shows that the
 * frame ends there. */
static enum res pass_frame_pointer(struct walk *w)
{
	enum { WORDS = 512 };
	const struct native_frame *last = &w->out->frames.at[w->out->frames.n - 1];
	uint64_t at = last->sp;
	size_t caller = w->out->frames.n;
	bool passed_over = false;

	if (!w->place_only || (last->saved_known >> os_arch(w->P)->saved_fp & 1) != 0 ||
	    w->python->runs.n == 0)
		return RES_NONE;
	for (int i = 0; i < WORDS; i++, at += 8) {
		uint64_t slot[2], next[2];

		if (Pread(w->P, slot, sizeof(slot), at) != sizeof(slot))
			return RES_NONE;
		if (slot[0] > at && slot[0] - at < (1U << 20) && unwind_follows_call(w->P, slot[1]) &&
		    Pread(w->P, next, sizeof(next), slot[0]) == sizeof(next) &&
		    unwind_follows_call(w->P, next[1]) && try_frame_pointer(w, at)) {
			w->out->frames.at[caller].fp_searched = passed_over || !is_measured(w, caller - 1);
			return RES_OK;
		}
		passed_over |= unwind_follows_call(w->P, slot[1]);
	}
	return RES_NONE;
}

enum res walk_recover(struct walk *w, uint64_t guess)
{
	struct native_stack *s = w->out;
	enum res res;
	uint64_t marker, likely;
	bool known;

	/* All fallbacks are for words of 8 bytes, and a loop whose activations all have one size.
	 * Elsewhere the walk ends where the unwinder ends it. */
	if (!os_arch(w->P)->has_fixed_frames)
		return RES_NONE;
	res = pass_perf_trampoline(w);
	if (res == RES_NONE)
		res = pass_bare(w);
	if (res == RES_NONE)
		res = pass_frame_pointer(w);
	if (res != RES_NONE)
		return res;
	marker = next_marker(s, w->python);
	if (marker == 0)
		return RES_NONE;
	res = walk_pass_jit(w, marker);
	if (res != RES_NONE)
		return res;
	if (w->model->known)
		return resume_by_model(w, marker);
	likely = distance_seen(s, w->python);
	known = likely != 0;
	if (!known && guess > marker)
		likely = guess - marker;
	return resume_by_trial(w, marker, likely, known) ? RES_OK : RES_NONE;
}
