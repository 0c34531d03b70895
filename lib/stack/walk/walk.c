/* The walk: how many of its frames to trust, and what is learned from it. The fallbacks for a place
 * where it gets lost are in walk_recover.c.
 *
 *   lost here ──>  0x7f…   (JIT code, no unwind information)
 *                  ┄┄┄┄┄   ? unseen activations: one gap
 *   marker M ───>  the loop's activation: CFA = M + K, K from any other activation of it
 *   resumed ────>  its caller */
#include "stack/walk/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addrmap.h"
#include "base/owned.h"
#include "os/regs.h"
#include "stack/walk/walk_markers.h"
#include "stack/walk/walk_recover.h"
#include "stack/walk/walk_stubs.h"

/* Does the first marker above frame `bad` (run r) confirm the guess that led to it? The marker must
 * lie in its activation as the model says, or without a model as all markers above do. Then
 * everything up to that activation was unwound correctly; *upto is the frame after it. A frame
 * without unwind information is not an activation of the loop: code that works with the loop's
 * frame pointer (3.14's JIT) seems to reach up to the loop's CFA. */
static bool is_confirmed(const struct walk *w, size_t bad, size_t r, size_t *upto)
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

/* Does a frame before s's frame i hold marker? */
static bool has_passed(const struct native_stack *s, size_t i, uint64_t marker)
{
	int64_t holder = walk_frame_of(s, 0, marker);

	return holder >= 0 && holder < (int64_t)i;
}

/* The number of frames to trust. Frames after the first guess (a frame pointer where there is no
 * unwind information) are not trusted, unless a marker confirms the guess. If no marker lies above,
 * nothing can contradict the guess, and it stands. So does a guess after a gap: the fallbacks have
 * nothing better for that place, and a second try would take its result for the frame pointer's. */
static size_t count_trusted(struct walk *w)
{
	struct native_stack *s = w->out;
	const struct py_stack *python = w->python;
	size_t bad = 0, r = 0, signal = 0; /* signal: the first signal frame */
	struct unwind_perf_caller caller;
	const struct native_frame *from; /* where the guess was made; a gap holds a marker itself */

	for (;;) {
		while (bad < s->frames.n && s->frames.at[bad].how != UNWIND_FP)
			bad++;
		if (bad == s->frames.n)
			return bad;
		from = &s->frames.at[bad - (bad > 0)];
		if (bad > 0 && walk_perf_caller(w->P, from, &caller)) {
			if (caller.pc != s->frames.at[bad].pc || caller.sp != s->frames.at[bad].sp)
				return bad;
			s->frames.at[bad].how = UNWIND_CFI; /* not a guess: the code says the same */
			continue;
		}
		while (signal < bad && !s->frames.at[signal].signal_frame)
			signal++;
		/* A handler may run on another stack: only the walk shows that markers on it were
		 * passed. */
		while (r < python->runs.n &&
		       (python->runs.at[r].marker < (from->gap ? from->cfa : from->sp) ||
			   (signal < bad && has_passed(s, bad, python->runs.at[r].marker))))
			r++;
		if (r == python->runs.n)
			return s->frames.n;
		if (is_confirmed(w, bad, r, &bad))
			continue;
		if (!from->gap)
			return bad;
		bad++;
	}
}

/* The number of the walk's frames that do not depend on a frame pointer found by searching. */
static size_t count_certain(const struct native_stack *s)
{
	for (size_t k = 1; k < s->frames.n; k++) {
		if (s->frames.at[k].fp_searched)
			return k - 1;
	}
	return s->frames.n;
}

static void model_learn(const struct walk *w)
{
	const struct arch *arch = os_arch(w->P);
	const struct native_stack *s = w->out;
	const struct py_stack *python = w->python;
	struct walk_model *model = w->model;
	struct walk_cursor c = walk_cursor_from(s, 0, model->known ? 0 : count_certain(s));

	for (size_t r = 0; !model->known && r < python->runs.n && c.i < c.n; r++) {
		uint64_t marker = python->runs.at[r].marker;
		int64_t i = marker == 0 ? -1 : walk_cursor_next(&c, s, marker);
		const struct native_frame *fr = i < 0 ? NULL : &s->frames.at[i];

		if (i <= 0 || fr->how == UNWIND_FP || fr->no_cfi || fr->gap)
			continue;
		*model = (struct walk_model){ .known = true,
			.pc = fr->pc,
			.cfa_above_marker = fr->cfa - marker,
			.sp_below_cfa = fr->cfa - fr->sp,
			.fp_below_cfa = fr->cfa - fr->saved[arch->saved_fp],
			.fp_known = (fr->saved_known >> arch->saved_fp & 1) != 0 };
	}
}

/* Progress of the fallbacks. The walk turns where a frame's caller does not lie above it (a signal
 * frame's caller, or that of code that switches stacks); it may turn in each such place once. Each
 * fallback must make more frames trusted than the one before. */
struct progress {
	struct addrmap turns; /* sp of a frame where it turns → its index */
	size_t looked, kept;  /* frames searched for turns; frames trusted last time */
	unsigned stuck;       /* fallbacks in a row that made no more frames trusted */
};
enum { STUCK_MAX = 1, FRAMES_MAX = 1 << 22 };

static void progress_release(struct progress *p)
{
	addrmap_free(&p->turns);
}

static bool turns_at(const struct native_stack *s, size_t i)
{
	return i + 1 < s->frames.n && s->frames.at[i + 1].sp < s->frames.at[i].sp;
}

/* Does one of the frames from keep on (p->looked), which a fallback has added, lead back to where
 * the walk has been? *res: RES_FAIL without memory. */
static bool leads_back(const struct native_stack *s, size_t keep, struct progress *p, enum res *res)
{
	p->looked = p->looked > keep - 1 ? keep - 1 : p->looked;
	for (; p->looked + 1 < s->frames.n; p->looked++) {
		uint64_t sp = s->frames.at[p->looked].sp;
		uint32_t at;

		if (!turns_at(s, p->looked))
			continue;
		/* Turns of frames that were dropped are listed, too. */
		if (addrmap_get(&p->turns, sp, &at) && at < p->looked && s->frames.at[at].sp == sp &&
		    turns_at(s, at))
			return true;
		if (!addrmap_put(&p->turns, sp, (uint32_t)p->looked)) {
			*res = RES_FAIL;
			break;
		}
	}
	return false;
}

/* Why the walk ended, to be restored. */
struct ending {
	enum unwind_end end;
	enum unwind_reason reason;
	char why[sizeof(((struct native_stack *)0)->why)];
};

static struct ending ending_of(const struct native_stack *s)
{
	struct ending e = { .end = s->end, .reason = s->reason };

	memcpy(e.why, s->why, sizeof(e.why));
	return e;
}

static void ending_put(struct native_stack *s, const struct ending *e)
{
	s->end = e->end;
	s->reason = e->reason;
	memcpy(s->why, e->why, sizeof(s->why));
}

/* Restores guessed frames: without a marker to contradict them, they are better than none. */
static void put_back(
    struct native_stack *s, size_t keep, uint64_t cfa, const struct native_frame *guessed, size_t n)
{
	s->frames.at[keep - 1].cfa = cfa;
	if (n != 0)
		memcpy(&s->frames.at[keep], guessed, n * sizeof(*guessed));
	s->frames.n = keep + n;
}

/* A fallback succeeded: may the walk go on from there? False: *e says why not, if that is new. */
static bool may_go_on(
    const struct native_stack *s, size_t keep, struct progress *p, struct ending *e, enum res *res)
{
	p->stuck = keep > p->kept ? 0 : p->stuck + 1;
	p->kept = keep;
	if (p->stuck > STUCK_MAX)
		return false;
	if (!leads_back(s, keep, p, res))
		return true;
	*e = (struct ending){ .end = UNWIND_END_LOOP, .reason = UNWIND_LEADS_BACK };
	(void)snprintf(e->why, sizeof(e->why), "unwinding loops back to 0x%llx",
	    (unsigned long long)s->frames.at[p->looked].sp);
	return false;
}

/* Goes past one place where the walk is lost. RES_NONE: no fallback succeeded. */
static enum res pass_lost_place(struct walk *w, struct progress *p)
{
	struct native_stack *s = w->out;
	size_t keep = count_trusted(w), all = s->frames.n;
	size_t bytes;
	struct ending before;
	OWNED(mem_release) struct native_frame *guessed = NULL;
	uint64_t guess;
	enum res res;

	if (keep == all && s->end != UNWIND_END_LOST && s->end != UNWIND_END_LOOP)
		return RES_NONE;
	before = ending_of(s);
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
		s->frames.at[keep - 1].cfa = 0; /* the guess began here: its CFA is not trusted either */
	res = walk_recover(w, guess);
	if (res == RES_OK && !may_go_on(s, keep, p, &before, &res))
		res = RES_NONE;
	if (res == RES_NONE) {
		put_back(s, keep, guess, guessed, all - keep);
		ending_put(s, &before);
	}
	return res;
}

/* Repeats a walk that lacks a register with the registers that a system call leaves known: vfork()
 * keeps its return address in one. Unless one is callee-saved, none outlives the youngest
 * activation. */
static enum res walk_with_args(struct walk *w, struct unwind_regs *regs)
{
	struct native_stack *s = w->out;

	if (!w->place_only || w->args == NULL || s->end != UNWIND_END_LOST ||
	    (!arch_keeps_args(os_arch(w->P)) && s->frames.n != 1) || !unwind_regs_args(w->P, w->args, regs))
		return RES_OK;
	s->frames.n = 0;
	return native_stack_walk(w->u, regs, 0, s, w->f);
}

enum res walk_thread(struct walk *w, const prgregset_t prregs, enum py_marking marking)
{
	OWNED(progress_release) struct progress progress = { .kept = 0 };
	struct native_stack *s = w->out;
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
	while (res == RES_OK && s->frames.n > 0) {
		model_learn(w);
		if (s->frames.n >= FRAMES_MAX) {
			s->end = UNWIND_END_CAP;
			s->reason = UNWIND_TOO_MANY;
			(void)snprintf(s->why, sizeof(s->why), "stopped after %zu frames", s->frames.n);
			break;
		}
		res = pass_lost_place(w, &progress);
	}
	for (size_t i = 0; i < w->out->frames.n; i++) {
		if (w->out->frames.at[i].fp_searched)
			w->out->frames.at[i].how =
			    UNWIND_FP; /* printed as a guess, unless the registers become known */
	}
	return res == RES_NONE ? RES_OK : res;
}
