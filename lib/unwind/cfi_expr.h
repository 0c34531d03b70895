/* PRIVATE to lib/unwind: DWARF expressions, as call frame information uses them. */
#ifndef UNWIND_CFI_EXPR_H
#define UNWIND_CFI_EXPR_H

#include "base/span.h"
#include "unwind/regs.h"
#include "unwind/unwind_memory.h"

/* What reading an activation needs, and what it was that stopped it. */
struct cfi_state {
	const struct arch *arch;
	struct memory *mem;
	const struct unwind_regs *regs; /* of the activation that is left */
	uint64_t bias;                  /* added to addresses of the image (DW_OP_addr) */
	uint64_t *budget;               /* how much may still be done, in bytes of tables: taken from */
	int reg_missing;                /* DWARF number of a register that is not known; REGS_NONE */
	uint64_t va_missing;            /* memory that could not be read; 0 */
};

/* A register's value. False, and s->reg_missing set: not known. */
bool cfi_register(struct cfi_state *s, uint64_t reg, uint64_t *out);

/* The target's word at va. False, and s->va_missing set: unreadable. */
bool cfi_load(struct cfi_state *s, uint64_t va, uint64_t *out);

/* The value of an expression; *initial (NULL: nothing) is on its stack before. All operations of DWARF 5 section 2.5.1
 * that need no more than registers and memory of the activation. Ends after a bounded number of operations.
 * False: what it needs is missing (s says what), or it is damaged. */
bool cfi_expression(struct cfi_state *s, struct span expr, const uint64_t *initial, uint64_t *out);

#endif
