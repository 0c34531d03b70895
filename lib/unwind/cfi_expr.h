/* PRIVATE to lib/unwind: DWARF expressions in call frame information. */
#ifndef UNWIND_CFI_EXPR_H
#define UNWIND_CFI_EXPR_H

#include "base/span.h"
#include "unwind/regs.h"
#include "unwind/unwind_memory.h"

/* What the rules of a row are applied to, and why that failed. */
struct cfi_state {
	const struct arch *arch;
	struct memory *mem;
	const struct unwind_regs *regs; /* of the callee */
	uint64_t bias;                  /* of the object: added to addresses (DW_OP_addr) */
	uint64_t *budget;               /* operations that are still allowed; reduced */
	int reg_missing;                /* DWARF number of a register that is not known, or REGS_NONE */
	uint64_t va_missing;            /* address that could not be read, or 0 */
};

/* Get a register's value. False: it is not known, and s->reg_missing is set. */
bool cfi_register(struct cfi_state *s, uint64_t reg, uint64_t *out);

/* Read the target's word at va. False: it is not readable, and s->va_missing is set. */
bool cfi_load(struct cfi_state *s, uint64_t va, uint64_t *out);

/* Evaluate an expression. Its stack first contains *initial (NULL: nothing). All operations of
 * DWARF 5 section 2.5.1 that need only registers and memory are known. The number of operations is
 * bounded. False: something is missing (s tells what), or the expression is damaged. */
bool cfi_expression(struct cfi_state *s, struct span expr, const uint64_t *initial, uint64_t *out);

#endif
