/* Register numbers and sizes of the architectures whose stacks are unwound. */
#include "unwind/arch.h"

#include <string.h>

#include "os/regs.h"
#include "unwind/cfi_read.h"

static const char *const x86_64_names[] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8",
	"r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip" };

const struct unwind_arch unwind_x86_64 = {
	.word = 8,
	.regs = 17,
	.pc = UNWIND_DWARF_PC,
	.sp = UNWIND_DWARF_RSP,
	.fp = UNWIND_DWARF_RBP,
	.n_saved = 6,
	.saved = { [UNWIND_RBX] = 3,
	    [UNWIND_RBP] = 6,
	    [UNWIND_R12] = 12,
	    [UNWIND_R13] = 13,
	    [UNWIND_R14] = 14,
	    [UNWIND_R15] = 15 },
	.kept = 1U << 3 | 1U << 6 | 1U << 12 | 1U << 13 | 1U << 14 | 1U << 15,
	.names = x86_64_names,
	.prgreg = os_dwarf_to_prgreg,
	.args = { 5, 4, 1, 10, 8, 9 },
};

static const char *const i386_names[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip" };

const struct unwind_arch unwind_i386 = {
	.word = 4,
	.regs = 9,
	.pc = 8,
	.sp = 4,
	.fp = 5,
	.n_saved = 4,
	.saved = { [UNWIND_RBX] = 3, [UNWIND_RBP] = 5, [UNWIND_ESI] = 6, [UNWIND_EDI] = 7 },
	.kept = 1U << 3 | 1U << 5 | 1U << 6 | 1U << 7,
	.names = i386_names,
	.prgreg = os_dwarf_to_prgreg_i386,
	.args = { 3, 1, 2, 6, 7, 5 },
};

const struct unwind_arch *unwind_arch_of(struct ps_prochandle *P)
{
	return Pstatus(P)->pr_dmodel == PR_MODEL_ILP32 ? &unwind_i386 : &unwind_x86_64;
}

void unwind_regs_from_prgregs(struct ps_prochandle *P, const prgregset_t regs, struct unwind_regs *out)
{
	const struct unwind_arch *arch = unwind_arch_of(P);

	*out = (struct unwind_regs){ .known = 0 };
	for (unsigned i = 0; i < arch->regs; i++)
		regs_set(out, i, (uint64_t)regs[arch->prgreg[i]]);
}

void unwind_regs_place(struct ps_prochandle *P, struct unwind_regs *regs)
{
	const struct unwind_arch *arch = unwind_arch_of(P);

	regs->known &= 1U << arch->pc | 1U << arch->sp;
}

bool unwind_regs_args(struct ps_prochandle *P, const uint64_t args[6], struct unwind_regs *regs)
{
	static const uint8_t syscall[2] = { 0x0f, 0x05 };
	const struct unwind_arch *arch = unwind_arch_of(P);
	uint64_t pc = regs->reg[arch->pc];
	uint8_t code[sizeof(syscall)];

	if (arch == &unwind_x86_64 &&
	    (pc < sizeof(code) || Pread(P, code, sizeof(code), pc - sizeof(code)) != sizeof(code) ||
		memcmp(code, syscall, sizeof(code)) != 0))
		return false;
	for (size_t i = 0; i < sizeof(arch->args); i++)
		regs_set(regs, arch->args[i], cfi_cut(args[i], arch->word));
	return true;
}

void unwind_regs_at(struct ps_prochandle *P, const struct native_frame *kept, uint64_t pc, uint64_t sp,
    const uint64_t *fp, struct unwind_regs *out)
{
	const struct unwind_arch *arch = unwind_arch_of(P);

	*out = (struct unwind_regs){ .known = 0 };
	for (unsigned i = 0; kept != NULL && i < arch->n_saved; i++) {
		if ((kept->saved_known >> i & 1) != 0)
			regs_set(out, arch->saved[i], kept->saved[i]);
	}
	if (fp != NULL)
		regs_set(out, arch->fp, *fp);
	regs_set(out, arch->pc, pc);
	regs_set(out, arch->sp, sp);
}
