/* PRIVATE to lib/unwind: rows of the table that call frame information stands for: where, at one pc, the CFA is
 * and where the caller's registers are. */
#ifndef UNWIND_CFI_ROWS_H
#define UNWIND_CFI_ROWS_H

#include "unwind/cfi_entry.h"
#include "unwind/cfi_expr.h"

enum { CFI_REGS = 17 }; /* more columns than any architecture here has registers that are followed */

enum cfi_kind {
	CFI_UNSAID,    /* no rule: kept if a function has to keep it, else not known */
	CFI_UNDEFINED, /* the caller's value is lost; for the return address: there is no caller */
	CFI_SAME,      /* as it is */
	CFI_AT,        /* at CFA + offset */
	CFI_IS,        /* it is CFA + offset */
	CFI_REGISTER,  /* in register `reg`, plus offset (the CFA's rule alone has one) */
	CFI_EXPR_AT,   /* at the address that expr gives, from the CFA */
	CFI_EXPR_IS    /* what expr gives */
};

struct cfi_rule {
	uint8_t kind;
	uint8_t reg;
	uint32_t n; /* bytes of expr */
	union {
		int64_t offset;
		const uint8_t *expr; /* in the table */
	} at;
};

struct cfi_row {
	struct cfi_rule cfa; /* CFI_REGISTER or CFI_EXPR_IS */
	struct cfi_rule regs[CFI_REGS];
	uint32_t set;        /* bit per rule that is there; the others are CFI_UNSAID */
	bool signal;         /* a frame that the kernel made */
	uint64_t bias;       /* of the object, for addresses in expressions */
	uint64_t start, end; /* the code that the entry describes, in the target */
};

/* The row for pc (the image's own address) of an entry that describes it. *budget is reduced by the bytes of
 * programs that were run; a program that needs more is not finished. False: damaged, or without a rule for the
 * CFA. start and end are the image's own, bias is not set. */
bool cfi_row_of(
    const struct cfi_entry *e, uint64_t pc, const struct arch *arch, uint64_t *budget, struct cfi_row *out);

/* The caller's registers, by row, from s->regs. RES_NONE: there is no caller. RES_FAIL: s says what is missing, or it
 * says nothing and the row is damaged. */
enum res cfi_row_apply(const struct cfi_row *row, struct cfi_state *s, struct unwind_regs *out);

#endif
