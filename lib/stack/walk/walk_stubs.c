/* Code caught without a frame.
 *
 * libffi's trampolines are a few instructions without unwind information, or with wrong
 * information, that jump on into libffi. A thread caught in one has no frame, except words that
 * some forms push, so the code shows where the return address is. */
#include "stack/walk/walk_stubs.h"

#include <string.h>

#include "os/regs.h"

static const struct arch_ffi_insn *ffi_insn_at(const struct arch_ffi *ffi, const uint8_t *code, size_t n)
{
	for (size_t i = 0; i < ffi->n_insns; i++) {
		if (n >= ffi->insns[i].n && memcmp(code, ffi->insns[i].code, ffi->insns[i].n) == 0)
			return &ffi->insns[i];
	}
	return NULL;
}

/* Does the rest of a trampoline begin at code? *above: bytes from sp to the return address. */
static bool is_ffi_stub(const struct arch_ffi *ffi, const uint8_t *code, size_t n, uint64_t *above)
{
	bool pushes = false, pushed = false;
	const struct arch_ffi_insn *insn;

	for (size_t i = 0; i < n && (insn = ffi_insn_at(ffi, code + i, n - i)) != NULL;
	     i += insn->n + (size_t)insn->more) {
		pushes |= insn->effect == ARCH_FFI_PUSHES;
		pushed |= insn->effect == ARCH_FFI_PUSHED || insn->effect == ARCH_FFI_ENDS_PUSHED;
		if (insn->effect == ARCH_FFI_ENDS || insn->effect == ARCH_FFI_ENDS_PUSHED) {
			*above = pushed && !pushes ? ffi->pushed : 0;
			return true;
		}
	}
	return false;
}

/* Is pc where trampolines that push lead? */
static bool is_ffi_landing(const struct arch_ffi *ffi, struct ps_prochandle *P, uint64_t pc)
{
	uint8_t code[ARCH_LANDING_BYTES];

	for (size_t i = 0; i < ffi->n_begins; i++) {
		if (Pread(P, code, ffi->n_landing, pc - ffi->begins[i]) == (ssize_t)ffi->n_landing &&
		    memcmp(code, ffi->landing, ffi->n_landing) == 0)
			return true;
	}
	return false;
}

/* The start of a trampoline may lack bytes that are optional. */
static bool in_perf_trampoline(const struct arch_stubs *stubs, struct ps_prochandle *P,
    const struct native_frame *fr, struct walk_stub *out)
{
	uint8_t code[ARCH_PERF_BYTES];

	for (size_t f = 0; fr->no_cfi && f < stubs->n_perf; f++) {
		const struct arch_perf *perf = &stubs->perf[f];

		for (size_t i = 0; i < perf->n; i++) {
			size_t from = i < perf->optional ? 0 : perf->optional, n = perf->n - from;

			if (perf->places[i] == ARCH_PERF_WITHIN ||
			    Pread(P, code, n, fr->pc - (i - from)) != (ssize_t)n ||
			    memcmp(code, perf->code + from, n) != 0)
				continue;
			*out = (struct walk_stub){
				fr->sp + (perf->places[i] == ARCH_PERF_BARE ? 0 : sizeof(uint64_t)),
				perf->places[i] == ARCH_PERF_FP
			};
			return true;
		}
	}
	return false;
}

bool walk_stub_at(struct ps_prochandle *P, const struct native_frame *fr, struct walk_stub *out)
{
	enum { LONGEST = 40 };
	const struct arch_stubs *stubs = os_arch(P)->stubs;
	uint8_t code[LONGEST];
	uint64_t above;
	ssize_t n;

	if (!fr->exact || stubs == NULL)
		return false;
	if (in_perf_trampoline(stubs, P, fr, out))
		return true;
	n = Pread(P, code, sizeof(code), fr->pc);
	above = stubs->ffi.pushed;
	if (n <= 0 || !(is_ffi_landing(&stubs->ffi, P, fr->pc) ||
			  (fr->no_cfi && is_ffi_stub(&stubs->ffi, code, (size_t)n, &above))))
		return false;
	*out = (struct walk_stub){ fr->sp + above, false };
	return true;
}

/* Is the LWP, in clone or clone3, the new thread? Then it is on the stack that is the second
 * argument of clone(), or on that of the struct clone_args that is the first of clone3() (Linux
 * uapi/linux/sched.h). */
static bool on_given_stack(const struct arch *arch, struct ps_prochandle *P, const struct unwind_regs *regs)
{
	enum { STACK_AT = 40 };
	uint64_t sp = regs->reg[arch->sp], stack[2];

	return sp == regs->reg[arch->args[1]] ||
	       (Pread(P, stack, sizeof(stack), regs->reg[arch->args[0]] + STACK_AT) == sizeof(stack) &&
		   stack[0] + stack[1] == sp);
}

/* Which thread is it, where either may be? */
static enum walk_clone which_thread(
    const struct arch *arch, struct ps_prochandle *P, const struct unwind_regs *regs)
{
	if (arch_set_has(regs->known, arch->result))
		return regs->reg[arch->result] == 0 ? WALK_CLONE_NEWBORN : WALK_CLONE_CALLER;
	if (!arch_set_has(regs->known, arch->args[0]) || !arch_set_has(regs->known, arch->args[1]))
		return WALK_CLONE_NOT;
	return on_given_stack(arch, P, regs) ? WALK_CLONE_NEWBORN : WALK_CLONE_CALLER;
}

enum walk_clone walk_clone_at(
    struct ps_prochandle *P, const struct native_frame *fr, const struct unwind_regs *regs)
{
	const struct arch *arch = os_arch(P);
	const struct arch_clone *clone = arch->stubs == NULL ? NULL : &arch->stubs->clone;
	uint8_t code[ARCH_CLONE_BYTES];

	for (size_t i = 0; fr->exact && fr->no_cfi && clone != NULL && i < clone->n_places; i++) {
		uint8_t at = clone->places[i].at;

		if (fr->pc < at || Pread(P, code, clone->n, fr->pc - at) != (ssize_t)clone->n)
			continue;
		code[clone->varies] = clone->code[clone->varies];
		if (memcmp(code, clone->code, clone->n) == 0)
			return clone->places[i].both ? which_thread(arch, P, regs) : WALK_CLONE_CALLER;
	}
	return WALK_CLONE_NOT;
}

bool walk_perf_caller(struct ps_prochandle *P, const struct native_frame *fr, struct unwind_perf_caller *out)
{
	const struct arch *arch = os_arch(P);
	const struct arch_perf *perf;
	uint8_t code[ARCH_PERF_END];
	uint64_t words[2];

	if (fr->exact || fr->gap || arch->stubs == NULL ||
	    Pread(P, code, sizeof(code), fr->pc) != sizeof(code))
		return false;
	perf = unwind_perf_trampoline(arch, code);
	if (perf == NULL || Pread(P, words, sizeof(words), fr->sp) != sizeof(words))
		return false;
	*out = unwind_perf_caller(perf, fr->sp, words);
	return true;
}
