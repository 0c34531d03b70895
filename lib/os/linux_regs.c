/* x86-64 registers by their DWARF numbers (System V ABI for AMD64, figure "DWARF Register Number Mapping"). */
#include "os/target_os.h"

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

uintptr_t os_fsbase(const prgregset_t regs)
{
	return (uintptr_t)regs[PRREG_FSBASE];
}
