/* illumos on x86-64: registers of x86-64 and i386 in prgregset_t (illumos amd64 <sys/regset.h>). */
#include <libproc.h>

#include "arch/x86.h"

static const uint8_t prgreg[X86_64_REGS] = {
	REG_RAX,
	REG_RDX,
	REG_RCX,
	REG_RBX,
	REG_RSI,
	REG_RDI,
	REG_RBP,
	REG_RSP,
	REG_R8,
	REG_R9,
	REG_R10,
	REG_R11,
	REG_R12,
	REG_R13,
	REG_R14,
	REG_R15,
	REG_RIP,
};

/* A 64-bit libproc gives the registers of a 32-bit process in its own set. */
static const uint8_t prgreg32[I386_REGS] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
	REG_RDI, REG_RIP };

const struct arch_system arch_system_x86_64 = { .prgreg = prgreg };
const struct arch_system arch_system_i386 = { .prgreg = prgreg32 };
