/* The walk and its resumption.
 *
 *   lost here ──>  0x7f…   (JIT code, no unwind information)
 *                  ┄┄┄┄┄   ? activations that cannot be seen: one gap
 *   marker M ───>  the loop's activation: CFA = M + K, K from any other activation of the loop
 *   resumed ────>  its caller */
#include "stack/walk.h"

#include <string.h>

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

/* The walk is not to be believed behind the first frame that it left by guessing, unless the guess
 * led to an activation that lies to its marker as the model says. */
static size_t trusted(
    const struct native_stack *s, const struct py_stack *python, const struct walk_model *model)
{
	size_t bad = 0, r = 0;

	while (bad < s->frames.n && s->frames.at[bad].how != UNWIND_FP)
		bad++;
	if (bad == s->frames.n)
		return bad;
	while (r < python->runs.n && python->runs.at[r].marker < s->frames.at[bad - (bad > 0)].sp)
		r++;
	if (r == python->runs.n)
		return s->frames.n; /* no marker to check against, none to lose */
	if (model->known) {
		int64_t i = frame_of(s, bad, python->runs.at[r].marker);

		if (i >= 0 && s->frames.at[i].cfa - python->runs.at[r].marker == model->cfa_above_marker)
			return s->frames.n;
	}
	return bad;
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
		if (marker == 0 || marker < fr->sp || fr->how == UNWIND_FP || fr->no_cfi || i == 0)
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

/* Go on at the activation that holds marker. */
static enum res resume(
    struct unwinder *u, uint64_t marker, const struct walk_model *m, struct native_stack *s, struct fault *f)
{
	struct unwind_regs regs = { .known = 1U << UNWIND_DWARF_PC | 1U << UNWIND_DWARF_RSP };
	uint64_t cfa = marker + m->cfa_above_marker;
	size_t first = s->frames.n;
	enum res res;

	regs.reg[UNWIND_DWARF_PC] = m->pc;
	regs.reg[UNWIND_DWARF_RSP] = cfa - m->sp_below_cfa;
	if (m->rbp_known) {
		regs.reg[UNWIND_DWARF_RBP] = cfa - m->rbp_below_cfa;
		regs.known |= 1U << UNWIND_DWARF_RBP;
	}
	res = native_stack_walk(u, &regs, 0, s, f);
	if (s->frames.n > first) {
		s->frames.at[first].pc = 0; /* the model's pc, not this activation's */
		s->frames.at[first].how = UNWIND_RESUMED;
		s->frames.at[first].cfa = cfa; /* known even if its caller was not reached: no second try */
	}
	return res;
}

enum res walk_thread(struct unwinder *u, const prgregset_t prregs, const struct py_stack *python,
    enum py_marking marking, struct walk_model *model, struct native_stack *out, struct fault *f)
{
	struct unwind_regs regs;
	enum res res;

	unwind_regs_from_prgregs(&regs, prregs);
	res = native_stack_walk(u, &regs, 0, out, f);
	if (marking == PY_MARK_NONE)
		return res;
	while (res == RES_OK && out->frames.n > 0) {
		size_t keep;
		uint64_t marker;

		learn(out, python, model);
		keep = trusted(out, python, model);
		if (keep == out->frames.n && out->end != UNWIND_END_LOST && out->end != UNWIND_END_LOOP)
			return res;
		if (!model->known)
			return res;
		if (keep > 0)
			out->frames.n = keep;
		marker = next_marker(out, python);
		if (marker == 0)
			return res;
		res = resume(u, marker, model, out, f);
	}
	return res;
}
