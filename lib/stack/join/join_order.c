/* Up to 3.10 nothing on the C stack shows which frame an activation runs, but each running frame
 * has one activation, in the same order. The two lists are compared from the oldest end, and each
 * pair is verified: the activation has the address of its PyFrameObject in a callee-saved register,
 * the same in all activations of a binary, or in a stack slot of its own. The register in which
 * most activations name frames is that register, and it decides. A slot only verifies an expected
 * pair, since activations hold their neighbours' frames as well.
 *
 *   activations   e0  e1      e2  e3          (youngest first; e1 of C code just entered …)
 *   frames        f0      s   f1  f2          s: suspended generator that a throw() went through
 *                                              paired from the right; s goes to its caller, e2 */
#include "stack/join/join_loop.h"
#include "stack/join/join_plan.h"

#include <stdlib.h>

#include "base/addrmap.h"
#include "base/owned.h"

enum { LOOKAHEAD = 64 }; /* pairs tried when the two lists disagree */

struct order {
	const struct join_input *in;
	const struct join_loop *loop;
	struct join_plan *plan;
	int64_t *eval; /* native frames that run the loop, youngest first */
	int64_t n_eval;
	bool complete;         /* eval is complete (by cframes): a frame without a pair has no activation */
	struct addrmap frames; /* address of a frame → its index */
	int reg;               /* the register that names an activation's frame; -1 unknown */
};

/* 3.10 keeps a CFrame in each activation, and these are the activations, whatever their symbols. An
 * activation younger than all may be about to link its CFrame, or may have unlinked it before its
 * frame: only its code identifies it. The oldest may not be the loop's: greenlet has a CFrame in
 * the function that starts a greenlet. */
static int64_t eval_by_cframes(const struct join_input *in, const struct join_loop *loop, int64_t *out)
{
	const struct native_stack *native = in->native;
	int64_t n = 0;
	size_t c = 0;

	for (size_t i = 0; i < native->frames.n && c < in->python->cframes.n; i++) {
		const struct native_frame *fr = &native->frames.at[i];
		uint64_t cframe = in->python->cframes.at[c];

		if (fr->signal_frame || cframe < fr->sp || cframe >= fr->cfa) {
			if (c == 0 && n == 0 && join_in_loop(loop->eval, loop->n_eval, fr))
				out[n++] = (int64_t)i;
			continue;
		}
		if (c + 1 < in->python->cframes.n || loop->n_eval == 0 ||
		    join_in_loop(loop->eval, loop->n_eval, fr))
			out[n++] = (int64_t)i;
		c++;
	}
	return c == in->python->cframes.n ? n : 0;
}

static int64_t eval_by_code(const struct join_input *in, const struct join_loop *loop, int64_t *out)
{
	int64_t n = 0;

	for (size_t i = 0; i < in->native->frames.n; i++) {
		if (join_in_loop(loop->eval, loop->n_eval, &in->native->frames.at[i]))
			out[n++] = (int64_t)i;
	}
	return n;
}

/* Words that the caller of the loop has put onto the stack directly above its CFA, where arguments
 * are there: the frame is the loop's first argument, or the second (3.9, 3.10). */
enum { ARGUMENTS = 2 };

/* Index of the frame that register r of activation e names; -1: none. */
static int64_t named_by(const struct order *o, int64_t e, int r)
{
	const struct native_frame *fr = &o->in->native->frames.at[o->eval[e]];
	uint32_t j;

	if (r < 0 || (fr->saved_known >> r & 1) == 0 || !addrmap_get(&o->frames, fr->saved[r], &j))
		return -1;
	return (int64_t)j;
}

/* The number of frames that r names, with each older activation naming an older frame. */
static int64_t count_named(const struct order *o, int r)
{
	int64_t n = 0, last = -1;

	for (int64_t e = 0; e < o->n_eval; e++) {
		int64_t j = named_by(o, e, r);

		if (j > last) {
			last = j;
			n++;
		}
	}
	return n;
}

/* Finds the register that names the most frames; none if two name as many. */
static enum res learn_register(struct order *o, struct fault *f)
{
	int64_t best = 1; /* a single frame proves nothing */

	o->reg = -1;
	/* Architectures that pass arguments on the stack have too few registers: the one that most
	 * activations use holds a frame that they are about to run. */
	if (arch_passes_on_stack(o->in->arch))
		return RES_OK;
	for (size_t j = 0; j < o->in->python->frames.n; j++) {
		if (!addrmap_put(&o->frames, o->in->python->frames.at[j].addr, (uint32_t)j))
			return fault_memory(f);
	}
	for (int r = 0; r < ARCH_SAVED_MAX; r++) {
		int64_t n = count_named(o, r);

		if (n >= best)
			o->reg = n > best ? r : -1;
		best = n > best ? n : best;
	}
	return RES_OK;
}

/* Does activation e hold the address of frame j? */
static bool holds_frame(const struct order *o, int64_t e, int64_t j)
{
	const struct native_frame *fr = &o->in->native->frames.at[o->eval[e]];
	/* Arguments on the stack count too. The lowest words are a callee's arguments, and the
	 * callee may be another activation. */
	enum { PASSED_ON = 3 };
	const bool passed = arch_passes_on_stack(o->in->arch);
	uint64_t step = o->in->arch->pointer_size, from = fr->sp + (passed ? PASSED_ON * step : 0);
	uint64_t to = fr->cfa + (passed ? ARGUMENTS * step : 0);
	uint64_t want = o->in->python->frames.at[j].addr, word = 0;

	for (int r = 0; r < ARCH_SAVED_MAX; r++) {
		if ((fr->saved_known >> r & 1) != 0 && fr->saved[r] == want)
			return true;
	}
	if (o->in->word == NULL || fr->cfa <= fr->sp || fr->cfa - fr->sp > 65536)
		return false;
	for (uint64_t va = from; va + step <= to; va += step) {
		if (o->in->word(o->in->data, va, &word) && word == want)
			return true;
	}
	return false;
}

/* Does activation e run frame j? One that has not begun may be the loop's, which calls a trace
 * function first, or some other code's. The activation of that code's callee may hold it too, but
 * also holds its own frame, the next one. */
static bool runs_frame(const struct order *o, int64_t e, int64_t j)
{
	if (!holds_frame(o, e, j))
		return false;
	return !o->in->python->frames.at[j].made || j == 0 || !holds_frame(o, e, j - 1);
}

static void set_pair(struct order *o, int64_t e, int64_t j, bool unsure)
{
	o->plan->owner[j] = o->eval[e];
	o->plan->unsure[j] = unsure;
}

/* A frame without an activation of its own goes to its caller's, the one paired last. join_made
 * places a frame that code other than the loop has put on the chain. */
static void pair_with_caller(struct order *o, int64_t e, int64_t j, bool unsure)
{
	if (e + 1 < o->n_eval && !o->in->python->frames.at[j].made)
		set_pair(o, e + 1, j, unsure);
}

/* The lists disagree at (e, j). Finds the next younger pair that agrees, passing over the fewest
 * frames or activations. Returns the number of frames (positive) or activations (negative) to pass;
 * 0: no such pair. */
static int64_t resume_at(const struct order *o, int64_t e, int64_t j)
{
	for (int64_t skip = 1; skip <= LOOKAHEAD; skip++) {
		if (j - skip >= 0 && holds_frame(o, e, j - skip))
			return skip;
		if (e - skip >= 0 && holds_frame(o, e - skip, j))
			return -skip;
	}
	return 0;
}

/* Is the last pair the only one possible, although nothing names it? All others must be anchored. A
 * frame that has begun and is not suspended runs in an activation younger than its caller's, and
 * only one is left. */
static bool is_last_pair(const struct order *o, int64_t e, int64_t j, bool anchored)
{
	const struct py_frame *fr = &o->in->python->frames.at[j];

	return anchored && e == 0 && j == 0 && o->n_eval > 1 && fr->instr != JOIN_NOT_BEGUN &&
	       !fr->suspended && !fr->bad;
}

static void pair_lists(struct order *o, int64_t n_frames)
{
	int64_t e = o->n_eval - 1, j = n_frames - 1;
	bool anchored = true; /* all pairs so far */

	while (e >= 0 && j >= 0) {
		int64_t skip, sure = named_by(o, e, o->reg);

		if (sure >= 0 && sure <= j) {
			anchored = anchored && j == sure;
			for (; j > sure; j--)
				pair_with_caller(
				    o, e, j, !o->complete && !o->in->python->frames.at[j].synthetic);
			set_pair(o, e--, j--, false);
			continue;
		}
		if (runs_frame(o, e, j)) {
			set_pair(o, e--, j, false);
			j--;
			continue;
		}
		if (o->in->python->frames.at[j].synthetic) {
			pair_with_caller(o, e, j, false);
			j--;
			continue;
		}
		skip = resume_at(o, e, j);
		if (skip == 0 && is_last_pair(o, e, j, anchored)) {
			set_pair(o, e--, j--, false);
			break;
		}
		anchored = false;
		if (skip > 0) {
			for (; skip > 0; skip--)
				pair_with_caller(o, e, j--, !o->complete);
		} else if (skip < 0) {
			e += skip;
		} else {
			set_pair(o, e--, j, true);
			j--;
		}
	}
	/* All activations have their frames. A suspended frame that is left has none, if no younger
	 * code of the loop exists. */
	for (; j >= 0 && (o->in->python->frames.at[j].synthetic ||
			     (o->in->python->frames.at[j].suspended && o->loop->n_eval > 0));
	     j--)
		pair_with_caller(o, e, j, false);
}

/* Marks activations without a frame. Only the youngest may have none: just entered, or about to
 * return. Any other has one that the chain does not reach (3.9: throw() through `yield from` breaks
 * it; those that started a greenlet). */
static void mark_bare(struct order *o, int64_t n_frames)
{
	const struct native_stack *native = o->in->native;

	for (size_t i = o->n_eval > 0 ? (size_t)o->eval[o->n_eval - 1] + 1 : native->frames.n;
	     i < native->frames.n; i++)
		o->plan->bare[i] = join_in_loop(o->loop->eval, o->loop->n_eval, &native->frames.at[i]);
	for (int64_t e = 1; e < o->n_eval; e++)
		o->plan->bare[o->eval[e]] = true;
	for (int64_t j = 0; j < n_frames; j++) {
		if (o->plan->owner[j] != JOIN_NOWHERE)
			o->plan->bare[o->plan->owner[j]] = false;
	}
}

enum res join_by_order(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f)
{
	OWNED(mem_release) int64_t *eval = calloc(in->native->frames.n + 1, sizeof(*eval));
	struct order o = { .in = in, .loop = loop, .plan = plan, .eval = eval };
	enum res res;

	if (eval == NULL)
		return fault_memory(f);
	o.n_eval = eval_by_cframes(in, loop, eval);
	o.complete = o.n_eval > 0;
	if (!o.complete)
		o.n_eval = eval_by_code(in, loop, eval);
	res = learn_register(&o, f);
	if (res == RES_OK)
		pair_lists(&o, (int64_t)in->python->runs.n);
	addrmap_free(&o.frames);
	if (res == RES_OK && in->python->runs.n > 0)
		mark_bare(&o, (int64_t)in->python->runs.n);
	return res;
}
