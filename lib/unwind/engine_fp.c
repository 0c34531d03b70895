/* Steps without call frame information: signal frames, calls through a bad pointer, proofs, frame
 * pointers. They are the engine of `-m fp`, and the steps of the other engines where nothing
 * describes a pc.
 *
 *   higher addresses   ┌────────────────┐
 *                      │ …              │ <- caller's sp (this activation's CFA)
 *                      │ return address │
 *    frame pointer ──> │ caller's fp    │
 *                      │ …              │ <- sp
 *                      └────────────────┘ */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "os/images.h"
#include "unwind/callsite.h"
#include "unwind/cfi_read.h"
#include "unwind/engine.h"
#include "unwind/origin.h"
#include "unwind/prologue.h"
#include "unwind/sigframe.h"
#include "unwind/unwind_modules.h"

/* STACK_WORDS: words above sp that has_no_caller searches. */
enum { FP_MAX_FRAME = 1 << 30, STACK_WORDS = 1 << 13 };

/* True if the code at pc returns at once, with sp unchanged. Such code of crti.o and of
 * hand-written functions has no unwind information. */
static bool returns_at(const struct arch *arch, struct memory *mem, uint64_t pc)
{
	uint64_t word;
	uint8_t b[8];

	if (!memory_word(mem, pc, &word))
		return false;
	memcpy(b, &word, sizeof(b));
	return arch->returns_at(b);
}

/* Replace *a with its caller if the return address is at sp. Callee-saved registers are kept. */
static bool no_frame_step(struct engine_target *t, struct activation *a)
{
	const struct arch *arch = t->arch;
	uint64_t sp = a->regs.reg[arch->sp], ra;

	if (!memory_number(t->mem, sp, arch->pointer_size, &ra) || ra == 0 || !call_is_code(t->P, ra - 1))
		return false;
	arch_set_intersect(&a->regs.known, arch->kept);
	regs_set(&a->regs, arch->sp, cfi_cut(sp + arch->pointer_size, arch->pointer_size));
	regs_set(&a->regs, arch->pc, ra);
	a->exact = false;
	return true;
}

static enum engine_end lose_caller(
    struct engine_note *note, enum unwind_reason reason, const char *what, uint64_t va)
{
	engine_note_lost(note, reason, "%s 0x%llx", what, (unsigned long long)va);
	return ENGINE_LOST;
}

/* True unless the bytes before ra are readable and no call, as before a word that was left by an
 * earlier call. A core may call a mapping of data executable, since nothing tells its rights. No
 * call leads to the trampoline to which a signal handler returns. */
static bool may_return_to(const struct engine_target *t, uint64_t ra)
{
	uint64_t word;

	return !memory_word(t->mem, ra - sizeof(word), &word) || call_is_before(t->arch, t->mem, ra) ||
	       sigframe_at(t->arch, t->mem, ra) != NULL;
}

static enum engine_end fp_step(struct engine_target *t, struct activation *a, struct engine_note *note)
{
	const struct arch *arch = t->arch;
	uint64_t sp = a->regs.reg[arch->sp], fp = a->regs.reg[arch->fp], saved, ra;
	struct unwind_regs next = { .reg = { 0 } };

	if (!regs_known(&a->regs, arch->fp)) {
		engine_note_lost(
		    note, UNWIND_NO_REGISTER, "needs %s, which is not known", arch->names[arch->fp]);
		return ENGINE_LOST;
	}
	/* An exact activation may use the register for something else. */
	if (fp == 0)
		return a->exact ? lose_caller(note, UNWIND_NO_FRAME, "no frame at the frame pointer", fp)
				: ENGINE_OLDEST;
	if (fp < sp || fp % arch->pointer_size != 0 || fp - sp > FP_MAX_FRAME)
		return lose_caller(note, UNWIND_NO_FRAME, "no frame at the frame pointer", fp);
	if (!memory_number(t->mem, fp, arch->pointer_size, &saved) ||
	    !memory_number(t->mem, fp + arch->pointer_size, arch->pointer_size, &ra))
		return lose_caller(note, UNWIND_NO_MEMORY, "stack not readable at", fp);
	if (ra == 0)
		return a->exact ? lose_caller(
				      note, UNWIND_NO_RETURN, "no return address at", fp + arch->pointer_size)
				: ENGINE_OLDEST;
	if (!call_is_code(t->P, ra - 1) || !may_return_to(t, ra))
		return lose_caller(note, UNWIND_NO_RETURN, "no return address at", fp + arch->pointer_size);
	regs_set(&next, arch->fp, saved);
	regs_set(&next, arch->sp, fp + 2U * arch->pointer_size);
	regs_set(&next, arch->pc, ra);
	*a = (struct activation){ next, false };
	return ENGINE_CALLER;
}

/* The steps that need neither a frame pointer nor a proof. False: none applies. */
static bool plain_step(
    struct engine_target *t, struct activation *a, struct engine_note *note, enum engine_end *end)
{
	const struct arch *arch = t->arch;
	uint64_t pc = a->regs.reg[arch->pc];
	const struct arch_sigreturn *sigreturn = sigframe_at(arch, t->mem, pc);

	*end = ENGINE_CALLER;
	if (sigreturn != NULL) {
		note->signal = note->exact = true;
		if (!sigframe_step(arch, sigreturn, t->mem, a))
			*end = lose_caller(
			    note, UNWIND_NO_MEMORY, "stack not readable at", a->regs.reg[arch->sp]);
		return true;
	}
	if (a->exact && returns_at(arch, t->mem, pc) && no_frame_step(t, a))
		return true;
	note->guessed = true;
	if (!a->exact || call_is_code(t->P, pc) || !no_frame_step(t, a))
		return false;
	/* A call through a bad pointer has only pushed its return address. */
	note->guessed = !call_is_before(arch, t->mem, a->regs.reg[arch->pc]);
	return true;
}

static void why_no_cfi(
    struct ps_prochandle *P, uint64_t pc, enum unwind_reason reason, struct engine_note *note)
{
	char path[512];
	uint64_t bias;

	if (Pobjname(P, pc, path, sizeof(path)) == NULL) {
		engine_note_lost(note, reason, "no unwind information at 0x%llx", (unsigned long long)pc);
		return;
	}
	/* The address in the file, as in the line of the frame. */
	if (os_object_bias(P, pc, &bias) == RES_OK)
		pc -= bias;
	engine_note_lost(note, reason, "no unwind information at 0x%llx in %.64s", (unsigned long long)pc,
	    path_base(path));
}

/* The step from code that nothing describes and that has made no frame: the return address is at
 * sp, in a function whose own frame ends at the same place by its code and by the frame pointer.
 * The frame pointer alone would skip that function (CPython 3.15's _PyJIT_Entry, which calls the
 * JIT's code). */
static bool bare_step(struct engine_target *t, struct activation *a)
{
	const struct arch *arch = t->arch;
	struct activation caller = *a, beyond;
	uint64_t fp = a->regs.reg[arch->fp];

	if (!a->exact || arch->code == NULL || !regs_known(&a->regs, arch->fp) ||
	    sigframe_at(arch, t->mem, a->regs.reg[arch->pc]) != NULL || !no_frame_step(t, &caller) ||
	    !call_is_before(arch, t->mem, caller.regs.reg[arch->pc]))
		return false;
	beyond = caller;
	if (t->prover == NULL || prove_step(t->prover, &beyond) != PROOF_CALLER ||
	    beyond.regs.reg[arch->sp] != fp + 2U * arch->pointer_size)
		return false;
	*a = (struct activation){ { .reg = { 0 } }, false };
	regs_set(&a->regs, arch->pc, caller.regs.reg[arch->pc]);
	regs_set(&a->regs, arch->sp, caller.regs.reg[arch->sp]);
	regs_set(&a->regs, arch->fp, fp);
	return true;
}

/* The step that code and stack prove. False: none is proven. */
static bool proven_step(
    struct engine_target *t, struct activation *a, struct engine_note *note, enum engine_end *end)
{
	const struct arch *arch = t->arch;
	uint64_t sp = a->regs.reg[arch->sp];
	enum proof proof;

	if (arch->code == NULL)
		return false;
	if (t->prover == NULL && (t->prover = prover_create(t)) == NULL)
		return false;
	if (!a->exact && origin_returns_to(arch, t->mem, a->regs.reg[arch->pc]))
		proof = PROOF_OLDEST;
	else
		proof = prove_step(t->prover, a);
	if (proof == PROOF_NONE && origin_step(t, a))
		proof = PROOF_CALLER;
	if (proof == PROOF_NONE)
		return false;
	note->guessed = false;
	note->undefined = proof == PROOF_OLDEST;
	note->in_register = proof == PROOF_CALLER && a->regs.reg[arch->sp] == sp;
	*end = proof == PROOF_OLDEST ? ENGINE_OLDEST : ENGINE_CALLER;
	return true;
}

bool step_from_made_code(
    struct engine_target *t, struct activation *a, struct engine_note *note, enum engine_end *end)
{
	uint64_t pc = a->regs.reg[t->arch->pc];
	const struct module *m = modules_at(t->modules, a->exact ? pc : pc - 1);

	return m != NULL && m->made != NULL && proven_step(t, a, note, end);
}

/* True if *a certainly has no caller: no word of the stack, from sp to the end of its mapping, is
 * an address after a call. A frame pointer or return address of 0 is no proof: code may use the
 * register for something else, so it may be 0, or point to memory that holds 0. False for a pc in
 * no file or in no code. */
static bool has_no_caller(const struct engine_target *t, const struct activation *a)
{
	uint64_t pc = a->regs.reg[t->arch->pc], at = a->regs.reg[t->arch->sp], end, word;
	unsigned size = t->arch->pointer_size;
	const prmap_t *map = Paddr_to_map(t->P, at);
	char name[2];

	if (a->exact || map == NULL || at % size != 0 || Pobjname(t->P, pc, name, sizeof(name)) == NULL ||
	    !call_is_code(t->P, pc - 1))
		return false;
	end = map->pr_vaddr + map->pr_size;
	if ((end - at) / size > STACK_WORDS)
		return false;
	for (; end - at >= size; at += size) {
		if (!memory_number(t->mem, at, size, &word))
			return false;
		if (word != 0 && call_is_code(t->P, word - 1) && call_is_before(t->arch, t->mem, word))
			return false;
	}
	return true;
}

enum engine_end step_without_cfi(struct engine_target *t, struct activation *a, struct engine_note *note)
{
	uint64_t pc = a->regs.reg[t->arch->pc];
	enum engine_end end;

	note->no_cfi = true;
	if (plain_step(t, a, note, &end))
		return end;
	if (proven_step(t, a, note, &end)) {
		note->no_cfi = false;
		return end;
	}
	if (bare_step(t, a))
		return ENGINE_CALLER;
	end = fp_step(t, a, note);
	if (end == ENGINE_OLDEST && !has_no_caller(t, a))
		end = ENGINE_LOST;
	/* If only the frame pointer was missing, the reason says so: lib/stack may get it. */
	if (end == ENGINE_LOST)
		why_no_cfi(t->P, pc,
		    note->reason == UNWIND_NO_REGISTER ? UNWIND_NO_REGISTER : UNWIND_UNDESCRIBED, note);
	return end;
}

/* --- the engine --- */

static void fp_destroy(void *engine)
{
	if (engine == NULL)
		return;
	engine_target_release(engine);
	free(engine);
}

static enum res fp_create(struct ps_prochandle *P, void **out, struct fault *f)
{
	struct engine_target *t = calloc(1, sizeof(*t));

	if (t == NULL || !engine_target_init(t, P)) {
		fp_destroy(t);
		return fault_memory(f);
	}
	*out = t;
	return RES_OK;
}

static void fp_start(void *engine, const struct activation *a, bool resumed)
{
	struct engine_target *t = engine;

	(void)resumed;
	memory_restart(t->mem, a->regs.reg[t->arch->sp]);
}

/* By proof, else by the frame pointer, which is a guess. */
static enum engine_end fp_engine_step(void *engine, struct activation *a, struct engine_note *note)
{
	struct engine_target *t = engine;
	const struct arch *arch = t->arch;
	enum engine_end end;

	if (plain_step(t, a, note, &end) || proven_step(t, a, note, &end))
		return end;
	/* 0 ends the stack only if the register is used as a frame pointer. */
	if (arch->code != NULL && regs_known(&a->regs, arch->fp) && a->regs.reg[arch->fp] == 0)
		return lose_caller(note, UNWIND_UNPROVEN, "cannot find the caller of", a->regs.reg[arch->pc]);
	return fp_step(t, a, note);
}

const struct engine_ops engine_fp = {
	.create = fp_create,
	.destroy = fp_destroy,
	.start = fp_start,
	.step = fp_engine_step,
};
