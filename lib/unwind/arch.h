/* PRIVATE to lib/unwind: what architectures differ in. One constant each; a further one fills in every field. */
#ifndef UNWIND_ARCH_H
#define UNWIND_ARCH_H

#include <libproc.h>
#include <stdbool.h>

#include "unwind/unwind.h"

struct unwind_arch {
	uint8_t word;                /* bytes of an address, and of a slot of the stack */
	uint8_t regs;                /* registers that are followed: DWARF numbers 0 … regs − 1 */
	uint8_t pc, sp, fp;          /* DWARF numbers; pc is the column of the return address */
	uint8_t n_saved;             /* registers that a function keeps for its caller */
	uint8_t saved[UNWIND_SAVED]; /* DWARF number of each, in the order of native_frame.saved */
	uint32_t kept;               /* the same registers, a bit per DWARF number */
	const char *const *names;    /* of the registers, as a debugger says them */
	const int *prgreg;           /* index of each in prgregset_t */
	uint8_t args[6]; /* DWARF numbers of those with a system call's arguments, in their order */
};

extern const struct unwind_arch unwind_x86_64; /* System V ABI for AMD64, "DWARF Register Number Mapping" */
extern const struct unwind_arch unwind_i386;   /* System V ABI for Intel386, the same, as used on Linux */

/* That of a process or core, by its data model. */
const struct unwind_arch *unwind_arch_of(struct ps_prochandle *P);

static inline bool regs_known(const struct unwind_regs *r, unsigned dwarf)
{
	return (r->known >> dwarf & 1) != 0;
}

static inline void regs_set(struct unwind_regs *r, unsigned dwarf, uint64_t value)
{
	r->reg[dwarf] = value;
	r->known |= 1U << dwarf;
}

#endif
