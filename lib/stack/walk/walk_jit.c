/* Past the compiled code of CPython's JIT, which has no unwind information and (3.14) no frame
 * pointer.
 *
 *   low   compiled code's stack      unknown, but one word may be the loop's rbp
 *         return address ──────>     the entry: generated code that restores registers
 *         rbx r12 … r15              saved here by the entry; its code shows where
 *         return address ──────>     the loop, whose sp is here
 *         marker
 *         rbp, return address <───   the loop's frame pointer
 *   high
 *
 * The entry does not save rbp: the code that it calls is compiled for a convention in which callees
 * do (seen in Debian's 3.14, LLVM's preserve_none). So the loop's frame pointer is still in the
 * register, or among the words below. Each candidate leads by unwind information to an activation
 * that holds the marker, or does not. If all that do give the same CFA, it is that. */
#include "stack/walk/walk_jit.h"

#include "os/regs.h"
#include "stack/walk/walk_markers.h"

enum {
	REACH = 4096,   /* words examined below a marker */
	CFA_FAR = 4096, /* most bytes from a marker up to the frame pointer of its activation */
	ENTRY_TAKES = 3 /* fewest registers that an entry restores */
};

struct jit {
	struct walk *w;
	const struct arch *arch;
	uint64_t lo, marker; /* the words examined: [lo, marker) */
	size_t run;          /* index of the marker's run */
	uint64_t cfa;        /* of the marker's activation, by the candidates so far; 0: none yet */
	bool doubtful;       /* the candidates disagree */
	struct unwind_regs best;
};

static bool jit_word(const struct jit *j, uint64_t va, uint64_t *out)
{
	return Pread(j->w->P, out, sizeof(*out), va) == (ssize_t)sizeof(*out);
}

/* Does the code at pc restore at least so many registers and return? Then *regs is its caller after
 * the return; sp: its own stack pointer. */
static bool restores_registers(
    const struct jit *j, uint64_t pc, uint64_t sp, unsigned least, struct unwind_regs *regs)
{
	uint8_t code[ARCH_RESTORE_BYTES];
	ssize_t n = Pread(j->w->P, code, sizeof(code), pc);
	struct unwind_regs restored = *regs;
	struct arch_restores r;

	if (n <= 0 || !j->arch->stubs->restores(code, (size_t)n, &r) || r.n < least ||
	    !jit_word(j, sp + r.ra, &restored.reg[j->arch->pc]))
		return false;
	for (size_t i = 0; i < r.n; i++) {
		if (!jit_word(j, sp + r.at[i], &restored.reg[r.reg[i]]))
			return false;
		arch_set_add(&restored.known, r.reg[i]);
	}
	restored.reg[j->arch->sp] = sp + r.ra + 8;
	arch_set_add(&restored.known, j->arch->pc);
	arch_set_add(&restored.known, j->arch->sp);
	*regs = restored;
	return true;
}

/* Notes the loop's CFA if regs can be those of the loop when it called. Leaves the walk as it
 * was. */
static void try_caller(struct jit *j, const struct unwind_regs *regs)
{
	struct native_stack *s = j->w->out;
	size_t first = s->frames.n, all, seen;
	uint64_t cfa = 0;

	if (native_stack_walk(j->w->u, regs, 0, s, j->w->f) == RES_OK && s->frames.n > first + 1) {
		const struct native_frame *loop = &s->frames.at[first];

		/* Frames after a guess contradict nothing. */
		for (all = first; all < s->frames.n && s->frames.at[all].how != UNWIND_FP; all++)
			continue;
		s->frames.n = all;
		if (all > first + 1 && !loop->no_cfi && !loop->signal_frame && loop->sp <= j->marker &&
		    j->marker < loop->cfa && unwind_follows_call(j->w->P, s->frames.at[first + 1].pc) &&
		    walk_agrees(j->w, first, j->run, loop->cfa - j->marker, &seen))
			cfa = loop->cfa;
	}
	s->frames.n = first;
	if (cfa == 0)
		return;
	if (j->cfa == 0)
		j->best = *regs;
	j->doubtful |= j->cfa != 0 && j->cfa != cfa;
	j->cfa = cfa;
}

/* Tries the loop, called from regs' pc, with each frame pointer that it may have. */
static void try_frame_pointers(struct jit *j, struct unwind_regs *regs)
{
	const struct native_frame last = j->w->out->frames.at[j->w->out->frames.n - 1];
	uint64_t *fp = &regs->reg[j->arch->fp], before = 0;

	if (regs->reg[j->arch->sp] > j->marker || !unwind_follows_call(j->w->P, regs->reg[j->arch->pc]))
		return;
	if (arch_set_has(regs->known, j->arch->fp)) {
		try_caller(j, regs);
		return;
	}
	arch_set_add(&regs->known, j->arch->fp);
	if ((last.saved_known >> j->arch->saved_fp & 1) != 0) {
		before = *fp = last.saved[j->arch->saved_fp];
		try_caller(j, regs);
	}
	for (uint64_t at = j->lo; at < regs->reg[j->arch->sp]; at += 8) {
		if (jit_word(j, at, fp) && *fp != before && *fp % 8 == 0 && *fp > j->marker &&
		    *fp - j->marker < CFA_FAR) {
			before = *fp;
			try_caller(j, regs);
		}
	}
}

/* Caught in the last instructions of the entry, which pop, or in its first ones, which push: the
 * loop's return address is above the pushed words. */
static void try_in_entry(struct jit *j, const struct native_frame *last)
{
	enum { PUSHES = 8, WINDOW = 2 * PUSHES };
	struct unwind_regs regs = { .reg = { 0 } };
	const struct arch_stubs *stubs = j->arch->stubs;
	const prmap_t *map = Paddr_to_map(j->w->P, last->pc);
	uint8_t code[2 * WINDOW + 1] = { 0 }; /* around pc */
	size_t at = WINDOW, done = 0, ahead = 0, n, before_pc;

	if (restores_registers(j, last->pc, last->sp, 1, &regs)) {
		try_frame_pointers(j, &regs);
		return;
	}
	before_pc =
	    map == NULL || last->pc - map->pr_vaddr > WINDOW ? WINDOW : (size_t)(last->pc - map->pr_vaddr);
	if (Pread(j->w->P, code + WINDOW - before_pc, WINDOW + before_pc, last->pc - before_pc) !=
	    (ssize_t)(WINDOW + before_pc))
		return;
	for (; at < 2 * WINDOW && (n = stubs->push_at(code + at)) > 0; at += n)
		ahead++;
	for (at = WINDOW; done < PUSHES; done++, at -= n) {
		n = stubs->push_before(code + at);
		if (n == 0)
			break;
	}
	regs.reg[j->arch->sp] = last->sp + 8 * done + 8;
	if (done + ahead >= ENTRY_TAKES && done < PUSHES &&
	    jit_word(j, last->sp + 8 * done, &regs.reg[j->arch->pc]))
		try_frame_pointers(j, &regs);
}

/* Is the word an address after a call, in code that belongs to no file? */
static bool in_made_code(const struct jit *j, uint64_t word)
{
	const prmap_t *map = Paddr_to_map(j->w->P, word);

	return map != NULL && (map->pr_mflags & MA_ANON) != 0 && unwind_follows_call(j->w->P, word);
}

enum res walk_pass_jit(struct walk *w, uint64_t marker)
{
	struct native_stack *s = w->out;
	const struct native_frame last = s->frames.at[s->frames.n - 1]; /* a copy: walks move the frames */
	struct native_frame gap = { .sp = last.sp, .how = UNWIND_RESUMED, .gap = true };
	struct jit j = { .w = w, .arch = os_arch(w->P), .lo = last.sp, .marker = marker };
	const prmap_t *map = Paddr_to_map(w->P, last.pc);

	if (!last.no_cfi || j.arch->stubs == NULL || map == NULL || (map->pr_mflags & MA_ANON) == 0)
		return RES_NONE;
	while (j.run < w->python->runs.n && w->python->runs.at[j.run].marker != marker)
		j.run++;
	if (marker - j.lo > REACH * 8)
		j.lo = marker - REACH * 8;
	for (uint64_t at = j.lo; at < marker; at += 8) {
		struct unwind_regs regs = { .reg = { 0 } };
		uint64_t word;

		if (jit_word(&j, at, &word) && in_made_code(&j, word) &&
		    restores_registers(&j, word, at + 8, ENTRY_TAKES, &regs))
			try_frame_pointers(&j, &regs);
	}
	if (j.cfa == 0 && last.exact)
		try_in_entry(&j, &last);
	if (j.cfa == 0 || j.doubtful || (w->model->known && j.cfa - marker != w->model->cfa_above_marker))
		return RES_NONE;
	gap.cfa = j.best.reg[j.arch->sp];
	if (!vec_push(&s->frames, gap))
		return fault_memory(w->f);
	return native_stack_walk(w->u, &j.best, 0, s, w->f);
}
