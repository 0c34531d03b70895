/* Checking call frame programs and DWARF expressions before libunwind runs them.
 *
 * Refused, each for what libunwind 1.6 does with it:
 *   register number of 17 or more in DW_CFA_register    reads past its register array
 *   no CFA rule where the pc may be                     assertion (where they are compiled in)
 *   remember without a CFA rule, unbalanced restore     lead back to no rule
 *   remember deeper than STATES_MAX                     200 bytes each
 *   DW_OP_div                                           the smallest number by -1 traps
 *   DW_OP_skip, DW_OP_bra                               endless loops
 *   opcodes it does not know                            skipped without their operands
 * Numbering: DWARF 5 sections 6.4.2 and 7.7, and the GNU operations 0x2e and 0x2f. */
#include "unwind/cfi.h"

enum { REGISTERS = 17, STATES_MAX = 32, WORD = 8 };

static bool uleb_skip(struct span *s)
{
	uint64_t ignored;

	return cfi_uleb(s, &ignored);
}

/* Operands of a DWARF operation, skipped; false for one that is refused or unknown. */
static bool operation_ok(struct span *s, uint8_t op)
{
	if (op >= 0x30 && op <= 0x6f) /* lit0 … lit31, reg0 … reg31 */
		return true;
	if (op >= 0x70 && op <= 0x8f) /* breg0 … breg31 */
		return uleb_skip(s);
	switch (op) {
	case 0x03: /* addr */
	case 0x0e: /* const8u */
	case 0x0f: /* const8s */
		return span_skip(s, 8);
	case 0x06: /* deref */
		return true;
	case 0x08: /* const1u */
	case 0x09: /* const1s */
	case 0x15: /* pick */
	case 0x94: /* deref_size */
		return span_skip(s, 1);
	case 0x0a: /* const2u */
	case 0x0b: /* const2s */
		return span_skip(s, 2);
	case 0x0c: /* const4u */
	case 0x0d: /* const4s */
		return span_skip(s, 4);
	case 0x10: /* constu */
	case 0x11: /* consts */
	case 0x23: /* plus_uconst */
	case 0x90: /* regx */
		return uleb_skip(s);
	case 0x92: /* bregx */
		return uleb_skip(s) && uleb_skip(s);
	case 0x12: /* dup, drop, over */
	case 0x13:
	case 0x14:
	case 0x16: /* swap, rot */
	case 0x17:
	case 0x96: /* nop */
		return true;
	default: /* abs … xor but div, plus_uconst and bra; eq … ne */
		return (op >= 0x19 && op <= 0x27 && op != 0x1b) || (op >= 0x29 && op <= 0x2e);
	}
}

static bool expression_ok(struct span *s)
{
	struct span expr;
	uint64_t n;
	uint8_t op;

	if (!cfi_uleb(s, &n) || n > span_left(s) || !span_cut(s, (size_t)n, &expr))
		return false;
	while (span_u8(&expr, &op)) {
		if (!operation_ok(&expr, op))
			return false;
	}
	return true;
}

static bool register_ok(struct span *s)
{
	uint64_t reg;

	return cfi_uleb(s, &reg) && reg < REGISTERS;
}

struct program_state {
	bool cfa;       /* there is a CFA rule from here on */
	unsigned depth; /* of remembered states */
	uint8_t fde_encoding;
};

/* Instructions that are about locations and states, not rules. A row that a pc can get needs a CFA rule:
 * before the first advance, and in every remembered state. */
static bool advance_ok(struct program_state *p, struct span *s, uint8_t op)
{
	switch (op) {
	case 0x00: /* nop */
		return true;
	case 0x01: /* set_loc */
		return p->cfa && span_skip(s, cfi_pointer_size(p->fde_encoding, WORD));
	case 0x02: /* advance_loc1, 2, 4 */
		return p->cfa && span_skip(s, 1);
	case 0x03:
		return p->cfa && span_skip(s, 2);
	case 0x04:
		return p->cfa && span_skip(s, 4);
	case 0x0a: /* remember_state */
		return p->cfa && ++p->depth <= STATES_MAX;
	case 0x0b: /* restore_state */
		return p->depth-- != 0;
	default:
		return false;
	}
}

static bool rule_ok(struct program_state *p, struct span *s, uint8_t op)
{
	switch (op) {
	case 0x05: /* offset_extended(_sf), val_offset is unknown to libunwind; GNU negative offset */
	case 0x11:
	case 0x2f:
		return register_ok(s) && uleb_skip(s);
	case 0x06: /* restore_extended, undefined, same_value */
	case 0x07:
	case 0x08:
		return register_ok(s);
	case 0x09: /* register */
		return register_ok(s) && register_ok(s);
	case 0x0c: /* def_cfa, def_cfa_sf */
	case 0x12:
		p->cfa = true;
		return register_ok(s) && uleb_skip(s);
	case 0x0d: /* def_cfa_register */
		p->cfa = true;
		return register_ok(s);
	case 0x0e: /* def_cfa_offset, def_cfa_offset_sf, GNU_args_size */
	case 0x13:
	case 0x2e:
		return uleb_skip(s);
	case 0x0f: /* def_cfa_expression */
		p->cfa = true;
		return expression_ok(s);
	case 0x10: /* expression, val_expression */
	case 0x16:
		return register_ok(s) && expression_ok(s);
	default:
		return advance_ok(p, s, op);
	}
}

bool cfi_program_ok(struct span program, uint8_t fde_encoding, bool *cfa)
{
	struct program_state p = { .cfa = *cfa, .fde_encoding = fde_encoding };
	uint8_t op;

	while (span_u8(&program, &op)) {
		switch (op & 0xc0) {
		case 0x40: /* advance_loc */
			if (!p.cfa)
				return false;
			break;
		case 0x80: /* offset */
			if ((op & 0x3f) >= REGISTERS || !uleb_skip(&program))
				return false;
			break;
		case 0xc0: /* restore */
			if ((op & 0x3f) >= REGISTERS)
				return false;
			break;
		default:
			if (!rule_ok(&p, &program, op))
				return false;
		}
	}
	*cfa = p.cfa;
	return true;
}
