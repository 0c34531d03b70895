/* Registers by their DWARF numbers: System V ABI for AMD64, figure "DWARF Register Number Mapping"; System V ABI for
 * Intel386, the same. Thread pointers. */
#include "os/regs.h"
#include "proc/handle.h"

const int os_dwarf_to_prgreg[17] = {
	[0] = PRREG_RAX,
	[1] = PRREG_RDX,
	[2] = PRREG_RCX,
	[3] = PRREG_RBX,
	[4] = PRREG_RSI,
	[5] = PRREG_RDI,
	[6] = PRREG_RBP,
	[7] = PRREG_RSP,
	[8] = PRREG_R8,
	[9] = PRREG_R9,
	[10] = PRREG_R10,
	[11] = PRREG_R11,
	[12] = PRREG_R12,
	[13] = PRREG_R13,
	[14] = PRREG_R14,
	[15] = PRREG_R15,
	[16] = PRREG_RIP,
};

const int os_dwarf_to_prgreg_i386[9] = { PRREG_RAX, PRREG_RCX, PRREG_RDX, PRREG_RBX, PRREG_RSP, PRREG_RBP,
	PRREG_RSI, PRREG_RDI, PRREG_RIP };

uintptr_t os_thread_pointer(struct ps_prochandle *P, lwpid_t id, const prgregset_t regs)
{
	/* The code segment of 32-bit programs: Linux arch/x86/include/asm/segment.h __USER32_CS, and Xen's. */
	enum { CS_32 = 0x23, CS_32_XEN = 0xe023 };
	unsigned cs = (unsigned)regs[PRREG_CS] & 0xffff;

	if (P->illumos)
		return (uintptr_t)id;
	return (uintptr_t)regs[cs == CS_32 || cs == CS_32_XEN ? PRREG_GSBASE : PRREG_FSBASE];
}

bool os_thread_is_address(struct ps_prochandle *P)
{
	return !P->illumos;
}
