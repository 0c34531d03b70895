/* Call frame instructions (DWARF 5 section 6.4.2; numbering 7.24): the programs of an entry are run
 * until the row for a pc is complete, and the row is applied to registers.
 *
 *   CIE's program          FDE's program                    pc
 *   the initial row ─────> changes at each advance ──────────┴── the next advance would pass it */
#include "unwind/cfi_rows.h"

enum { STATES_MAX = 32 };

struct program {
	const struct cfi_entry *entry;
	const struct arch *arch;
	struct span at;
	uint64_t loc; /* first address for which the row holds */
	struct cfi_row row;
	const struct cfi_row *initial; /* NULL while the CIE's program runs */
	unsigned depth;
	struct cfi_row *states; /* remembered; room for STATES_MAX */
};

/* --- operands --- */

/* The rule to set for a register; for one that is not followed, *unused, which is not read. */
static struct cfi_rule *rule_of(struct program *p, uint64_t reg, struct cfi_rule *unused)
{
	if (reg >= p->arch->n_regs)
		return unused;
	arch_set_add(&p->row.set, (unsigned)reg);
	return &p->row.regs[reg];
}

static void rule_set(struct program *p, uint64_t reg, struct cfi_rule rule)
{
	struct cfi_rule unused;

	*rule_of(p, reg, &unused) = rule;
}

static int64_t multiply_factor(uint64_t n, int64_t factor)
{
	return (int64_t)(n * (uint64_t)factor);
}

static bool take_expr(struct program *p, enum cfi_kind kind, struct cfi_rule *out)
{
	struct span expr;
	uint64_t n;

	if (!cfi_uleb(&p->at, &n) || n > span_left(&p->at) || !span_cut(&p->at, (size_t)n, &expr))
		return false;
	*out = (struct cfi_rule){ .kind = (uint8_t)kind, .n = (uint32_t)n, .at.expr = expr.at };
	return true;
}

/* Take a factored offset, unsigned or signed, and set the rule of reg. */
static bool take_offset(struct program *p, uint64_t reg, enum cfi_kind kind, bool is_signed)
{
	struct cfi_rule rule = { .kind = (uint8_t)kind };
	uint64_t n;
	int64_t number;

	if (is_signed ? !cfi_sleb(&p->at, &number) : !cfi_uleb(&p->at, &n))
		return false;
	rule.at.offset = multiply_factor(is_signed ? (uint64_t)number : n, p->entry->data_align);
	rule_set(p, reg, rule);
	return true;
}

static void restore_rule(struct program *p, uint64_t reg)
{
	static const struct cfi_rule unsaid = { .kind = CFI_UNSAID };

	if (reg >= p->arch->n_regs)
		return;
	arch_set_remove(&p->row.set, (unsigned)reg);
	p->row.regs[reg] = unsaid;
	if (p->initial != NULL && arch_set_has(p->initial->set, (unsigned)reg))
		rule_set(p, reg, p->initial->regs[reg]);
}

/* --- instructions --- */

static bool cfa_register(struct program *p, uint64_t reg, int64_t offset)
{
	if (reg >= p->arch->n_regs)
		return false;
	p->row.cfa = (struct cfi_rule){ .kind = CFI_REGISTER, .reg = (uint8_t)reg, .at.offset = offset };
	return true;
}

static bool cfa_instruction(struct program *p, uint8_t op)
{
	uint64_t reg, n;
	int64_t number;

	switch (op) {
	case 0x0c: /* def_cfa */
		return cfi_uleb(&p->at, &reg) && cfi_uleb(&p->at, &n) && cfa_register(p, reg, (int64_t)n);
	case 0x12: /* def_cfa_sf */
		return cfi_uleb(&p->at, &reg) && cfi_sleb(&p->at, &number) &&
		       cfa_register(p, reg, multiply_factor((uint64_t)number, p->entry->data_align));
	case 0x0d: /* def_cfa_register */
		return cfi_uleb(&p->at, &reg) && p->row.cfa.kind == CFI_REGISTER &&
		       cfa_register(p, reg, p->row.cfa.at.offset);
	case 0x0e: /* def_cfa_offset */
		return cfi_uleb(&p->at, &n) && p->row.cfa.kind == CFI_REGISTER &&
		       cfa_register(p, p->row.cfa.reg, (int64_t)n);
	case 0x13: /* def_cfa_offset_sf */
		return cfi_sleb(&p->at, &number) && p->row.cfa.kind == CFI_REGISTER &&
		       cfa_register(
			   p, p->row.cfa.reg, multiply_factor((uint64_t)number, p->entry->data_align));
	default: /* def_cfa_expression */
		return take_expr(p, CFI_EXPR_IS, &p->row.cfa);
	}
}

/* It changes no rule, so run_program() can stop after it. */
static bool advance_loc(struct program *p, uint64_t delta)
{
	p->loc = cfi_cut(p->loc + delta * p->entry->code_align, p->arch->pointer_size);
	return true;
}

static bool location_instruction(struct program *p, uint8_t op)
{
	uint8_t d1;
	uint16_t d2;
	uint32_t d4;

	switch (op) {
	case 0x01: /* set_loc */
		return cfi_pointer(&p->entry->table->place, &p->at, p->entry->encoding, &p->loc);
	case 0x02: /* advance_loc1, 2, 4 */
		return span_u8(&p->at, &d1) && advance_loc(p, d1);
	case 0x03:
		return span_u16(&p->at, &d2) && advance_loc(p, d2);
	default:
		return span_u32(&p->at, &d4) && advance_loc(p, d4);
	}
}

static bool state_instruction(struct program *p, uint8_t op)
{
	if (op == 0x0a) { /* remember_state */
		if (p->depth == STATES_MAX)
			return false;
		p->states[p->depth++] = p->row;
		return true;
	}
	if (p->depth == 0)
		return false;
	p->row = p->states[--p->depth];
	return true;
}

/* Instructions whose first operand is a register. */
static bool rule_instruction(struct program *p, uint8_t op)
{
	struct cfi_rule rule = { .kind = CFI_UNSAID };
	uint64_t reg, n;

	if (!cfi_uleb(&p->at, &reg))
		return false;
	switch (op) {
	case 0x05: /* offset_extended */
		return take_offset(p, reg, CFI_AT, false);
	case 0x11: /* offset_extended_sf */
		return take_offset(p, reg, CFI_AT, true);
	case 0x14: /* val_offset */
		return take_offset(p, reg, CFI_IS, false);
	case 0x15: /* val_offset_sf */
		return take_offset(p, reg, CFI_IS, true);
	case 0x06: /* restore_extended */
		restore_rule(p, reg);
		return true;
	case 0x07: /* undefined, same_value */
	case 0x08:
		rule.kind = op == 0x07 ? CFI_UNDEFINED : CFI_SAME;
		break;
	case 0x09: /* register */
		if (!cfi_uleb(&p->at, &n))
			return false;
		/* The value of a register that is not followed is not known. */
		rule = (struct cfi_rule){ .kind = n < p->arch->n_regs ? CFI_REGISTER : CFI_UNDEFINED,
			.reg = (uint8_t)n };
		break;
	case 0x10: /* expression, val_expression */
	case 0x16:
		if (!take_expr(p, op == 0x10 ? CFI_EXPR_AT : CFI_EXPR_IS, &rule))
			return false;
		break;
	case 0x2f: /* GNU_negative_offset_extended */
		if (!cfi_uleb(&p->at, &n))
			return false;
		rule = (struct cfi_rule){ .kind = CFI_AT,
			.at.offset = multiply_factor(0 - n, p->entry->data_align) };
		break;
	default:
		return false;
	}
	rule_set(p, reg, rule);
	return true;
}

static bool run_instruction(struct program *p, uint8_t op)
{
	uint64_t ignored;

	switch (op & 0xc0) {
	case 0x40: /* advance_loc */
		return advance_loc(p, op & 0x3f);
	case 0x80: /* offset */
		return take_offset(p, op & 0x3f, CFI_AT, false);
	case 0xc0: /* restore */
		restore_rule(p, op & 0x3f);
		return true;
	default:
		break;
	}
	switch (op) {
	case 0x00: /* nop */
		return true;
	case 0x01:
	case 0x02:
	case 0x03:
	case 0x04:
		return location_instruction(p, op);
	case 0x0a:
	case 0x0b:
		return state_instruction(p, op);
	case 0x0c:
	case 0x0d:
	case 0x0e:
	case 0x0f:
	case 0x12:
	case 0x13:
		return cfa_instruction(p, op);
	case 0x2e: /* GNU_args_size: matters only for exceptions */
		return cfi_uleb(&p->at, &ignored);
	default:
		return rule_instruction(p, op);
	}
}

/* Run a program to its end, or until the next row begins after pc. */
static bool run_program(struct program *p, struct span program, uint64_t pc, uint64_t *budget)
{
	uint8_t op;

	p->at = program;
	if (span_left(&program) > *budget)
		return false;
	while (span_u8(&p->at, &op)) {
		bool moves = (op & 0xc0) == 0x40 || (op >= 0x01 && op <= 0x04);
		uint64_t from = p->loc;

		/* Locations must not decrease: later rows would describe other code. */
		if (!run_instruction(p, op) || p->loc < from)
			return false;
		if (moves && p->loc > pc)
			break;
	}
	*budget -= span_left(&program) - span_left(&p->at);
	return true;
}

bool cfi_row_of(
    const struct cfi_entry *e, uint64_t pc, const struct arch *arch, uint64_t *budget, struct cfi_row *out)
{
	struct cfi_row initial, states[STATES_MAX];
	struct program p = { .entry = e, .arch = arch, .loc = e->lo, .states = states };

	if (e->ra != arch->pc || !run_program(&p, e->common, UINT64_MAX, budget))
		return false;
	initial = p.row;
	p.initial = &initial;
	p.loc = e->lo;
	p.depth = 0;
	if (!run_program(&p, e->own, pc, budget) || p.row.cfa.kind == CFI_UNSAID)
		return false;
	p.row.signal = e->signal;
	p.row.start = e->lo;
	p.row.end = e->hi;
	*out = p.row;
	return true;
}

/* --- the row applied to registers --- */

static struct span expr_of(const struct cfi_rule *rule)
{
	return (struct span){ rule->at.expr, rule->at.expr + rule->n };
}

static bool row_cfa(const struct cfi_row *row, struct cfi_state *s, uint64_t *cfa)
{
	uint64_t base;

	if (row->cfa.kind == CFI_EXPR_IS)
		return cfi_expression(s, expr_of(&row->cfa), NULL, cfa);
	if (!cfi_register(s, row->cfa.reg, &base))
		return false;
	*cfa = cfi_cut(base + (uint64_t)row->cfa.at.offset, s->arch->pointer_size);
	return true;
}

static bool rule_value(
    const struct cfi_rule *rule, unsigned reg, uint64_t cfa, struct cfi_state *s, uint64_t *out)
{
	uint64_t va;

	if (rule->kind == CFI_AT)
		return cfi_load(s, cfi_cut(cfa + (uint64_t)rule->at.offset, s->arch->pointer_size), out);
	switch (rule->kind) {
	case CFI_SAME:
		return cfi_register(s, reg, out);
	case CFI_REGISTER:
		return cfi_register(s, rule->reg, out);
	case CFI_IS:
		*out = cfi_cut(cfa + (uint64_t)rule->at.offset, s->arch->pointer_size);
		return true;
	case CFI_EXPR_AT:
		return cfi_expression(s, expr_of(rule), &cfa, &va) && cfi_load(s, va, out);
	case CFI_EXPR_IS:
		return cfi_expression(s, expr_of(rule), &cfa, out);
	default:
		return false;
	}
}

enum res cfi_row_apply(const struct cfi_row *row, struct cfi_state *s, struct unwind_regs *out)
{
	const struct arch *arch = s->arch;
	struct unwind_regs next;
	uint64_t cfa, value;
	arch_set left;
	unsigned reg;

	if (row->regs[arch->pc].kind == CFI_UNDEFINED)
		return RES_NONE;
	if (!row_cfa(row, s, &cfa) || !rule_value(&row->regs[arch->pc], arch->pc, cfa, s, &value))
		return RES_FAIL;
	next = *s->regs;
	arch_set_intersect(&next.known, arch->kept);
	arch_set_subtract(&next.known, row->set);
	regs_set(&next, arch->pc, value);
	value = cfa;
	if (arch_set_has(row->set, arch->sp) && !rule_value(&row->regs[arch->sp], arch->sp, cfa, s, &value))
		return RES_FAIL;
	regs_set(&next, arch->sp, value);
	/* A register whose rule fails is not known in the caller, which may not need it. */
	left = row->set;
	arch_set_remove(&left, arch->pc);
	arch_set_remove(&left, arch->sp);
	while ((reg = arch_set_take(&left)) != ARCH_REGS_MAX) {
		if (rule_value(&row->regs[reg], reg, cfa, s, &value))
			regs_set(&next, reg, value);
	}
	*out = next;
	return RES_OK;
}
