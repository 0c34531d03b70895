/* PRIVATE to lib/unwind: registers by DWARF number. */
#ifndef UNWIND_REGS_H
#define UNWIND_REGS_H

#include <stdbool.h>

#include "arch/arch.h"
#include "unwind/unwind.h"

enum { REGS_NONE = -1 }; /* in place of a DWARF number */

static inline bool regs_known(const struct unwind_regs *r, unsigned dwarf)
{
	return arch_set_has(r->known, dwarf);
}

static inline void regs_set(struct unwind_regs *r, unsigned dwarf, uint64_t value)
{
	r->reg[dwarf] = value;
	arch_set_add(&r->known, dwarf);
}

#endif
