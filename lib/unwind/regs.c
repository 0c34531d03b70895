/* Register sets: from libproc's order to DWARF's, which libunwind shares on x86-64. */
#include "os/target_os.h"
#include "unwind/engine.h"

const uint8_t regs_saved_dwarf[UNWIND_SAVED] = {
	[UNWIND_RBX] = 3,
	[UNWIND_RBP] = 6,
	[UNWIND_R12] = 12,
	[UNWIND_R13] = 13,
	[UNWIND_R14] = 14,
	[UNWIND_R15] = 15,
};

void unwind_regs_from_prgregs(struct unwind_regs *out, const prgregset_t regs)
{
	*out = (struct unwind_regs){ .known = 0 };
	for (unsigned i = 0; i < sizeof(out->reg) / sizeof(out->reg[0]); i++)
		regs_set(out, i, (uint64_t)regs[os_dwarf_to_prgreg[i]]);
}
