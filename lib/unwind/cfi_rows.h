/* PRIVATE to lib/unwind: rows. A row tells where the CFA and the caller's registers are at a pc. */
#ifndef UNWIND_CFI_ROWS_H
#define UNWIND_CFI_ROWS_H

#include "unwind/cfi_entry.h"
#include "unwind/cfi_expr.h"

enum { CFI_REGS = ARCH_REGS_MAX }; /* columns; registers beyond them are not followed */

enum cfi_kind {
	CFI_UNSAID,    /* no rule: sp is the CFA, a callee-saved register is kept, others are lost */
	CFI_UNDEFINED, /* the caller's value is lost; for the return address: there is no caller */
	CFI_SAME,      /* the value is unchanged */
	CFI_AT,        /* the value is in memory at CFA + offset */
	CFI_IS,        /* the value is CFA + offset */
	CFI_REGISTER,  /* the value is that of register `reg`, plus offset (for the CFA only) */
	CFI_EXPR_AT,   /* the value is in memory at the address that expr computes */
	CFI_EXPR_IS    /* the value is what expr computes */
};

struct cfi_rule {
	uint8_t kind;
	uint8_t reg;
	uint32_t n; /* size of expr in bytes */
	union {
		int64_t offset;
		const uint8_t *expr; /* points into the table */
	} at;
};

struct cfi_row {
	struct cfi_rule cfa; /* CFI_REGISTER or CFI_EXPR_IS */
	struct cfi_rule regs[CFI_REGS];
	arch_set set;        /* registers with a rule; the others are CFI_UNSAID */
	bool signal;         /* the activation is a signal frame */
	bool made;           /* of made code, set by the caller of cfi_row_of */
	uint64_t bias;       /* of the object: added to addresses in expressions */
	uint64_t start, end; /* the code that the entry describes: addresses of the target */
};

/* Compute the row for pc (an address of the image) from an entry that describes it. *budget is
 * reduced by the bytes of programs that were run; a program for which it does not suffice is not
 * run. False: the entry is damaged, sets no CFA rule, or the budget is used up. start and end are
 * addresses of the image, and bias is 0; the caller changes that. */
bool cfi_row_of(
    const struct cfi_entry *e, uint64_t pc, const struct arch *arch, uint64_t *budget, struct cfi_row *out);

/* Compute the caller's registers from s->regs. RES_NONE: there is no caller. RES_FAIL: s tells what
 * is missing, or, if it tells nothing, the row is damaged. */
enum res cfi_row_apply(const struct cfi_row *row, struct cfi_state *s, struct unwind_regs *out);

#endif
