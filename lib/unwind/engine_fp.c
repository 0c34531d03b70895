/* Steps that need no call frame information: frame pointers, Linux signal frames, and a call through a
 * bad pointer. The engine of `-m fp`, and what the CFI engine does where nothing describes a pc.
 *
 *   higher addresses   ┌────────────────┐
 *                      │ …              │ <- caller's sp (this activation's CFA)
 *                      │ return address │
 *              rbp ──> │ caller's rbp   │
 *                      │ …              │ <- sp
 *                      └────────────────┘
 *
 * At a signal trampoline sp points at the kernel's struct ucontext, registers at +40 (struct sigcontext):
 * r8 … r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip. */
#include <stdio.h>
#include <stdlib.h>

#include "unwind/engine.h"

enum { CONTEXT_REGS = 40, FP_MAX_FRAME = 1 << 30 };

/* DWARF numbers in the order of struct sigcontext. */
static const uint8_t context_dwarf[17] = { 8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16 };

static bool is_executable(struct ps_prochandle *P, uint64_t pc)
{
	const prmap_t *map = Paddr_to_map(P, pc);

	return map != NULL && (map->pr_mflags & MA_EXEC) != 0;
}

/* mov $15 (rt_sigreturn), %rax; syscall: what every C library on x86-64 Linux returns from handlers with. */
static bool is_sigreturn(struct memory *mem, uint64_t pc)
{
	uint64_t word, tail;

	return memory_word(mem, pc, &word) && word == 0x0f0000000fc0c748 && memory_word(mem, pc + 1, &tail) &&
	       tail >> 56 == 0x05;
}

static bool signal_step(struct memory *mem, struct activation *a)
{
	struct unwind_regs next = { .known = 0 };
	uint64_t context = a->regs.reg[UNWIND_DWARF_RSP] + CONTEXT_REGS, word;

	for (unsigned i = 0; i < sizeof(context_dwarf); i++) {
		if (!memory_word(mem, context + 8 * (uint64_t)i, &word))
			return false;
		regs_set(&next, context_dwarf[i], word);
	}
	*a = (struct activation){ next, true };
	return true;
}

/* A call to nowhere has pushed its return address and done nothing else. */
static bool bad_call_step(struct ps_prochandle *P, struct memory *mem, struct activation *a)
{
	uint64_t sp = a->regs.reg[UNWIND_DWARF_RSP], ra;

	if (!memory_word(mem, sp, &ra) || ra == 0 || !is_executable(P, ra - 1))
		return false;
	a->regs.reg[UNWIND_DWARF_RSP] = sp + 8;
	a->regs.reg[UNWIND_DWARF_PC] = ra;
	a->exact = false;
	return true;
}

static enum engine_end lost(struct engine_note *note, const char *what, uint64_t va)
{
	(void)snprintf(note->why, sizeof(note->why), "%s 0x%llx", what, (unsigned long long)va);
	return ENGINE_LOST;
}

static enum engine_end fp_step(
    struct ps_prochandle *P, struct memory *mem, struct activation *a, struct engine_note *note)
{
	uint64_t sp = a->regs.reg[UNWIND_DWARF_RSP], fp = a->regs.reg[UNWIND_DWARF_RBP], saved, ra;
	struct unwind_regs next = { .known = 0 };

	if (!regs_known(&a->regs, UNWIND_DWARF_RBP)) {
		(void)snprintf(note->why, sizeof(note->why), "needs rbp, which is not known");
		return ENGINE_LOST;
	}
	if (fp == 0)
		return ENGINE_OLDEST;
	if (fp < sp || (fp & 7) != 0 || fp - sp > FP_MAX_FRAME)
		return lost(note, "no frame at the frame pointer", fp);
	if (!memory_word(mem, fp, &saved) || !memory_word(mem, fp + 8, &ra))
		return lost(note, "stack not readable at", fp);
	if (ra == 0)
		return ENGINE_OLDEST;
	if (!is_executable(P, ra - 1))
		return lost(note, "no return address at", fp + 8);
	regs_set(&next, UNWIND_DWARF_RBP, saved);
	regs_set(&next, UNWIND_DWARF_RSP, fp + 16);
	regs_set(&next, UNWIND_DWARF_PC, ra);
	*a = (struct activation){ next, false };
	return ENGINE_CALLER;
}

enum engine_end fallback_step(
    struct ps_prochandle *P, struct memory *mem, struct activation *a, struct engine_note *note)
{
	uint64_t pc = a->regs.reg[UNWIND_DWARF_PC];

	if (is_sigreturn(mem, pc)) {
		note->signal = true;
		if (signal_step(mem, a))
			return ENGINE_CALLER;
		return lost(note, "stack not readable at", a->regs.reg[UNWIND_DWARF_RSP]);
	}
	note->guessed = true;
	if (a->exact && !is_executable(P, pc) && bad_call_step(P, mem, a))
		return ENGINE_CALLER;
	return fp_step(P, mem, a, note);
}

struct fp_engine {
	struct ps_prochandle *P;
	struct memory *mem;
};

static void fp_destroy(void *engine)
{
	struct fp_engine *e = engine;

	if (e == NULL)
		return;
	memory_destroy(e->mem);
	free(e);
}

static enum res fp_create(struct ps_prochandle *P, void **out, struct fault *f)
{
	struct fp_engine *e = calloc(1, sizeof(*e));

	if (e == NULL || (e->mem = memory_create(P)) == NULL) {
		free(e);
		return fault_memory(f);
	}
	e->P = P;
	*out = e;
	return RES_OK;
}

static void fp_start(void *engine, const struct activation *a)
{
	struct fp_engine *e = engine;

	memory_restart(e->mem, a->regs.reg[UNWIND_DWARF_RSP]);
}

static enum engine_end fp_engine_step(void *engine, struct activation *a, struct engine_note *note)
{
	struct fp_engine *e = engine;

	return fallback_step(e->P, e->mem, a, note);
}

const struct engine_ops engine_fp = { fp_create, fp_destroy, fp_start, fp_engine_step };
