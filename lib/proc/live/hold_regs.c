/* The kernel's order of registers and that of prgregset_t. */
#include "proc/live/hold_regs.h"

#include <string.h>

void hold_regs_from_user(prgregset_t regs, const struct user_regs_struct *u)
{
	const struct {
		int index;
		unsigned long long value;
	} rows[] = {
		{ PRREG_R15, u->r15 },
		{ PRREG_R14, u->r14 },
		{ PRREG_R13, u->r13 },
		{ PRREG_R12, u->r12 },
		{ PRREG_R11, u->r11 },
		{ PRREG_R10, u->r10 },
		{ PRREG_R9, u->r9 },
		{ PRREG_R8, u->r8 },
		{ PRREG_RDI, u->rdi },
		{ PRREG_RSI, u->rsi },
		{ PRREG_RBP, u->rbp },
		{ PRREG_RBX, u->rbx },
		{ PRREG_RDX, u->rdx },
		{ PRREG_RCX, u->rcx },
		{ PRREG_RAX, u->rax },
		{ PRREG_RIP, u->rip },
		{ PRREG_CS, u->cs },
		{ PRREG_RFL, u->eflags },
		{ PRREG_RSP, u->rsp },
		{ PRREG_SS, u->ss },
		{ PRREG_FS, u->fs },
		{ PRREG_GS, u->gs },
		{ PRREG_ES, u->es },
		{ PRREG_DS, u->ds },
		{ PRREG_FSBASE, u->fs_base },
		{ PRREG_GSBASE, u->gs_base },
	};

	memset(regs, 0, sizeof(prgregset_t));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		regs[rows[i].index] = (prgreg_t)rows[i].value;
}
