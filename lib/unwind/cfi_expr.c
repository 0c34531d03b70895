/* DWARF expressions: a stack machine over words of the target. Opcodes: DWARF 5 section 7.7.1. */
#include "unwind/cfi_expr.h"

#include "unwind/cfi_read.h"

/* LOAD_COST: the price of a read of memory, in other operations. */
enum { DEPTH = 64, OPERATIONS_MAX = 1000, LOAD_COST = 128 };

struct machine {
	struct cfi_state *state;
	struct span all, at; /* the expression, and the rest of it */
	unsigned word;
	unsigned n;
	uint64_t stack[DEPTH];
};

bool cfi_register(struct cfi_state *s, uint64_t reg, uint64_t *out)
{
	if (reg >= s->arch->n_regs || !regs_known(s->regs, (unsigned)reg)) {
		s->reg_missing = reg <= INT16_MAX ? (int)reg : INT16_MAX;
		return false;
	}
	*out = s->regs->reg[reg];
	return true;
}

static bool load_number(struct cfi_state *s, uint64_t va, unsigned size, uint64_t *out)
{
	if (memory_number(s->mem, va, size, out))
		return true;
	s->va_missing = va;
	return false;
}

bool cfi_load(struct cfi_state *s, uint64_t va, uint64_t *out)
{
	return load_number(s, va, s->arch->pointer_size, out);
}

/* --- stack --- */

static bool push_value(struct machine *m, uint64_t value)
{
	if (m->n == DEPTH)
		return false;
	m->stack[m->n++] = cfi_cut(value, m->word);
	return true;
}

static bool pop_value(struct machine *m, uint64_t *out)
{
	if (m->n == 0)
		return false;
	*out = m->stack[--m->n];
	return true;
}

static bool push_pick(struct machine *m, uint64_t depth)
{
	return depth < m->n && push_value(m, m->stack[m->n - 1 - depth]);
}

/* The word as a signed number. */
static int64_t as_signed(const struct machine *m, uint64_t value)
{
	return m->word == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

/* --- operations --- */

/* DW_OP_const1u (0x08) to const8s (0x0f): sizes 1, 2, 4, 8; for each, unsigned, then signed. */
static bool op_const(struct machine *m, uint8_t op)
{
	static const uint8_t formats[] = { 2, 3, 4 }; /* DW_EH_PE_udata2, 4, 8 */
	uint8_t is_signed = (op & 1) != 0, small;
	uint64_t value;

	if (op < 0x0a) {
		if (!span_u8(&m->at, &small))
			return false;
		value = is_signed ? (uint64_t)(int64_t)(int8_t)small : small;
		return push_value(m, value);
	}
	return cfi_number(&m->at, (uint8_t)(formats[(op - 0x0a) / 2] | is_signed << 3), m->word, &value) &&
	       push_value(m, value);
}

static bool op_leb(struct machine *m, uint8_t op)
{
	uint64_t value, top;
	int64_t number;

	switch (op) {
	case 0x10: /* constu */
		return cfi_uleb(&m->at, &value) && push_value(m, value);
	case 0x11: /* consts */
		return cfi_sleb(&m->at, &number) && push_value(m, (uint64_t)number);
	default: /* plus_uconst */
		return cfi_uleb(&m->at, &value) && pop_value(m, &top) && push_value(m, top + value);
	}
}

/* breg0 … breg31, bregx; and reg0 … reg31, regx, which push the register's value as in gcc's
 * unwinder. */
static bool op_register(struct machine *m, uint8_t op)
{
	uint64_t reg, value;
	int64_t offset = 0;

	if (op == 0x90 || op == 0x92) {
		if (!cfi_uleb(&m->at, &reg))
			return false;
	} else {
		reg = (op - 0x50U) % 32;
	}
	if ((op >= 0x70 && op != 0x90) && !cfi_sleb(&m->at, &offset))
		return false;
	return cfi_register(m->state, reg, &value) && push_value(m, value + (uint64_t)offset);
}

static bool op_deref(struct machine *m, uint8_t op)
{
	uint8_t size = (uint8_t)m->word;
	uint64_t va, value;

	if (op == 0x94 && (!span_u8(&m->at, &size) || size == 0 || size > m->word))
		return false;
	if (*m->state->budget < LOAD_COST)
		return false;
	*m->state->budget -= LOAD_COST;
	return pop_value(m, &va) && load_number(m->state, va, size, &value) && push_value(m, value);
}

static bool op_stack(struct machine *m, uint8_t op)
{
	uint64_t a, b, c;
	uint8_t depth;

	switch (op) {
	case 0x12: /* dup */
		return push_pick(m, 0);
	case 0x13: /* drop */
		return pop_value(m, &a);
	case 0x14: /* over */
		return push_pick(m, 1);
	case 0x15: /* pick */
		return span_u8(&m->at, &depth) && push_pick(m, depth);
	case 0x16: /* swap */
		return pop_value(m, &a) && pop_value(m, &b) && push_value(m, a) && push_value(m, b);
	default: /* rot */
		return pop_value(m, &a) && pop_value(m, &b) && pop_value(m, &c) && push_value(m, a) &&
		       push_value(m, c) && push_value(m, b);
	}
}

/* abs, neg, not */
static bool op_unary(struct machine *m, uint8_t op)
{
	uint64_t a;

	if (!pop_value(m, &a))
		return false;
	if (op == 0x20)
		return push_value(m, ~a);
	return push_value(m, op == 0x1f || as_signed(m, a) < 0 ? 0 - a : a);
}

/* a / b; the quotient of the smallest number by −1 wraps. */
static uint64_t signed_quotient(const struct machine *m, uint64_t a, uint64_t b)
{
	return as_signed(m, b) == -1 ? 0 - a : (uint64_t)(as_signed(m, a) / as_signed(m, b));
}

static uint64_t shift_value(const struct machine *m, uint8_t op, uint64_t a, uint64_t by)
{
	int64_t number = as_signed(m, a);

	if (op == 0x26) /* shra */
		return by < 64 ? (uint64_t)(number >> by) : (uint64_t)(number >> 63);
	if (by >= 64)
		return 0;
	return op == 0x24 ? a << by : a >> by;
}

/* b is the top of the stack, a the word below it. */
static bool op_arithmetic(struct machine *m, uint8_t op)
{
	uint64_t a, b;

	if (!pop_value(m, &b) || !pop_value(m, &a))
		return false;
	switch (op) {
	case 0x1a:
		return push_value(m, a & b);
	case 0x1b:
		return b != 0 && push_value(m, signed_quotient(m, a, b));
	case 0x1c:
		return push_value(m, a - b);
	case 0x1d:
		return b != 0 && push_value(m, a % b);
	case 0x1e:
		return push_value(m, a * b);
	case 0x21:
		return push_value(m, a | b);
	case 0x22:
		return push_value(m, a + b);
	case 0x27:
		return push_value(m, a ^ b);
	default: /* shl, shr, shra */
		return push_value(m, shift_value(m, op, a, b));
	}
}

/* eq, ge, gt, le, lt, ne, of signed numbers */
static bool op_compare(struct machine *m, uint8_t op)
{
	uint64_t top, second;
	int64_t a, b;

	if (!pop_value(m, &top) || !pop_value(m, &second))
		return false;
	a = as_signed(m, second);
	b = as_signed(m, top);
	switch (op) {
	case 0x29:
		return push_value(m, a == b);
	case 0x2a:
		return push_value(m, a >= b);
	case 0x2b:
		return push_value(m, a > b);
	case 0x2c:
		return push_value(m, a <= b);
	case 0x2d:
		return push_value(m, a < b);
	default:
		return push_value(m, a != b);
	}
}

/* skip, bra: a jump to a place in the expression, or to its end. */
static bool op_jump(struct machine *m, uint8_t op)
{
	uint16_t operand;
	uint64_t condition = 1;
	int64_t to;

	if (!span_u16(&m->at, &operand) || (op == 0x28 && !pop_value(m, &condition)))
		return false;
	if (condition == 0)
		return true;
	to = (m->at.at - m->all.at) + (int16_t)operand;
	if (to < 0 || (uint64_t)to > span_left(&m->all))
		return false;
	m->at.at = m->all.at + to;
	return true;
}

static bool op_addr(struct machine *m)
{
	uint64_t value;

	return cfi_number(&m->at, 0, m->word, &value) && push_value(m, value + m->state->bias);
}

static bool run_operation(struct machine *m, uint8_t op)
{
	if (op >= 0x30 && op <= 0x4f) /* lit0 … lit31 */
		return push_value(m, op - 0x30U);
	if ((op >= 0x50 && op <= 0x8f) || op == 0x90 || op == 0x92)
		return op_register(m, op);
	if (op >= 0x08 && op <= 0x0f)
		return op_const(m, op);
	if (op >= 0x12 && op <= 0x17)
		return op_stack(m, op);
	if (op >= 0x29 && op <= 0x2e)
		return op_compare(m, op);
	switch (op) {
	case 0x03:
		return op_addr(m);
	case 0x06:
	case 0x94:
		return op_deref(m, op);
	case 0x10:
	case 0x11:
	case 0x23:
		return op_leb(m, op);
	case 0x19:
	case 0x1f:
	case 0x20:
		return op_unary(m, op);
	case 0x28:
	case 0x2f:
		return op_jump(m, op);
	case 0x96: /* nop */
		return true;
	default:
		return op >= 0x1a && op <= 0x27 && op_arithmetic(m, op);
	}
}

bool cfi_expression(struct cfi_state *s, struct span expr, const uint64_t *initial, uint64_t *out)
{
	struct machine m = { .state = s, .all = expr, .at = expr, .word = s->arch->pointer_size };
	uint8_t op;

	if (initial != NULL)
		(void)push_value(&m, *initial);
	for (unsigned i = 0; span_u8(&m.at, &op); i++) {
		if (i == OPERATIONS_MAX || *s->budget == 0)
			return false;
		(*s->budget)--;
		if (!run_operation(&m, op))
			return false;
	}
	return pop_value(&m, out);
}
