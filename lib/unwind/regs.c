/* Registers with which a walk starts. */
#include "unwind/regs.h"

#include <string.h>

#include "os/regs.h"

void unwind_regs_from_prgregs(struct ps_prochandle *P, const prgregset_t regs, struct unwind_regs *out)
{
	const struct arch *arch = os_arch(P);

	*out = (struct unwind_regs){ .reg = { 0 } };
	for (unsigned i = 0; i < arch->n_regs; i++)
		regs_set(out, i, (uint64_t)regs[arch->system->prgreg[i]]);
}

void unwind_regs_place(struct ps_prochandle *P, struct unwind_regs *regs)
{
	const struct arch *arch = os_arch(P);

	arch_set place = { { 0 } };

	arch_set_add(&place, arch->pc);
	arch_set_add(&place, arch->sp);
	arch_set_intersect(&regs->known, place);
}

bool unwind_regs_args(struct ps_prochandle *P, const uint64_t args[ARCH_ARGS], struct unwind_regs *regs)
{
	const struct arch *arch = os_arch(P);
	uint64_t pc = regs->reg[arch->pc];
	uint8_t code[sizeof(arch->syscall)];
	size_t n = arch->n_syscall;

	if (n != 0 &&
	    (pc < n || Pread(P, code, n, pc - n) != (ssize_t)n || memcmp(code, arch->syscall, n) != 0))
		return false;
	for (size_t i = 0; i < ARCH_ARGS; i++)
		regs_set(regs, arch->args[i], arch_cut(arch, args[i]));
	return true;
}

void unwind_regs_at(struct ps_prochandle *P, const struct native_frame *kept, uint64_t pc, uint64_t sp,
    struct unwind_regs *out)
{
	const struct arch *arch = os_arch(P);

	*out = (struct unwind_regs){ .reg = { 0 } };
	for (unsigned i = 0; kept != NULL && i < arch->n_saved; i++) {
		if ((kept->saved_known >> i & 1) != 0)
			regs_set(out, arch->saved[i], kept->saved[i]);
	}
	regs_set(out, arch->pc, pc);
	regs_set(out, arch->sp, sp);
}

void unwind_regs_set_fp(struct ps_prochandle *P, uint64_t fp, struct unwind_regs *regs)
{
	regs_set(regs, os_arch(P)->fp, fp);
}
