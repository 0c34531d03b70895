/* Instructions of x86-64, and what they do to a frame. What is not known of an instruction must not
 * be taken for nothing: each that may write a register that is followed makes it unknown. */
#include "arch/code.h"
#include "arch/x86.h"

/* Numbers as in encodings, except what is in an arch_frame. */
enum { WORD = 8, RAX = 0, RCX = 1, RSP = 4, RBP = 5, R11 = 11, MOVED_MAX = 64 };
enum { SAVED_RBX, SAVED_RBP, SAVED_R12, SAVED = 6, ALL_KEPT = (1 << SAVED) - 1 };
enum { STORED_RA = 1, STORED_FP = 2 };
enum { PROBE_NONE, PROBE_TO, PROBE_COMPARED };

static uint8_t dwarf_of(uint8_t reg)
{
	static const uint8_t dwarf[] = { 0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

	return reg < sizeof(dwarf) ? dwarf[reg] : ARCH_NO_REG;
}

/* A register's place in what is saved of an activation, or -1. */
static int saved_index(uint8_t reg)
{
	switch (reg) {
	case 3:
		return SAVED_RBX;
	case RBP:
		return SAVED_RBP;
	case 12:
	case 13:
	case 14:
	case 15:
		return SAVED_R12 + (reg - 12);
	default:
		return -1;
	}
}

/* reg has a value that is not followed. */
static void forget_reg(struct arch_frame *s, uint8_t reg)
{
	int i = saved_index(reg);

	if (reg == RSP)
		s->sp_known = false;
	if (reg == RBP)
		s->is_frame = false;
	if (reg == R11)
		s->probe = PROBE_NONE;
	if (dwarf_of(reg) == s->ra_in)
		s->ra_in = 0;
	if (reg == s->to)
		s->to = s->stored = 0;
	if (i >= 0)
		s->kept &= (uint16_t) ~(1U << i);
}

/* reg is stored `below`. */
static void store_reg(struct arch_frame *s, uint8_t reg, int32_t below)
{
	int i = saved_index(reg);

	if (i < 0 || (s->kept >> i & 1) == 0 || (s->saved >> i & 1) != 0)
		return;
	s->saved |= (uint16_t)(1U << i);
	s->saved_below[i] = below;
}

/* reg is loaded from `below`. */
static void load_reg(struct arch_frame *s, uint8_t reg, int32_t below)
{
	int i = saved_index(reg);

	forget_reg(s, reg);
	if (i >= 0 && (s->saved >> i & 1) != 0 && s->saved_below[i] == below)
		s->kept |= (uint16_t)(1U << i);
}

static void push_reg(struct arch_frame *s, uint8_t reg)
{
	s->sp_below += WORD;
	if (s->sp_known && reg != X86_NONE)
		store_reg(s, reg, s->sp_below);
}

static void pop_reg(struct arch_frame *s, uint8_t reg)
{
	int32_t below = s->sp_below;

	s->sp_below -= WORD;
	if (reg == X86_NONE)
		return;
	if (s->sp_known)
		load_reg(s, reg, below);
	else
		forget_reg(s, reg);
	/* What ends a function pops other registers. */
	if (s->sp_known && below == WORD && saved_index(reg) < 0 && reg != RSP && reg != RAX &&
	    s->kept == ALL_KEPT && s->saved == 0)
		s->ra_in = dwarf_of(reg);
}

/* Where a memory operand lies. False: elsewhere, or not known. */
static bool operand_place(const struct x86 *x, const struct arch_frame *s, int32_t *below)
{
	bool of_sp = x->rm == RSP && s->sp_known, of_fp = x->rm == RBP && s->is_frame;
	int64_t at = (int64_t)(of_sp ? s->sp_below : s->fp_below) - x->disp;

	if (!x->memory || x->indexed || x->of_pc || !(of_sp || of_fp) || at > INT32_MAX || at < INT32_MIN)
		return false;
	*below = (int32_t)at;
	return true;
}

/* reg points `below`. */
static void point_reg(struct arch_frame *s, uint8_t reg, int32_t below)
{
	forget_reg(s, reg);
	if (reg == RSP) {
		s->sp_known = true;
		s->sp_below = below;
	} else if (reg == RBP) {
		s->is_frame = true;
		s->fp_below = below;
	} else if (reg == R11) {
		s->probe = PROBE_TO;
		s->probe_below = below;
	}
}

/* libffi's ffi_call_unix64 runs on a stack that its caller made, at whose end it puts its frame:
 *   mov (%rsp),%r10;  lea …,%rax;  mov %rbp,16(%rax);  mov %r10,24(%rax);  mov %rax,%rbp */
static void store_moved(const struct x86 *x, struct arch_frame *s)
{
	if (x->indexed || x->of_pc || x->rm == X86_NONE || x->rm == RSP || x->rm == RBP || x->disp < 0 ||
	    x->disp > MOVED_MAX)
		return;
	if (x->rm != s->to)
		s->stored = 0;
	s->to = x->rm;
	if (x->reg == RBP && (s->kept >> SAVED_RBP & 1) != 0) {
		s->stored |= STORED_FP;
		s->fp_at = x->disp;
	} else if (dwarf_of(x->reg) == s->ra_in && s->ra_in != 0) {
		s->stored |= STORED_RA;
		s->ra_at = x->disp;
	}
}

/* rbp is where they were stored. From here on the CFA is what it will be when the function
 * returns. */
static void move_cfa(struct arch_frame *s)
{
	int32_t cfa = s->ra_at + WORD;

	forget_reg(s, RBP);
	s->is_frame = true;
	s->fp_below = cfa;
	s->sp_known = false;
	s->saved = 1U << SAVED_RBP;
	s->saved_below[SAVED_RBP] = cfa - s->fp_at;
}

static void move_reg(struct arch_frame *s, uint8_t to, uint8_t from)
{
	if (to == RBP && from == s->to && s->stored == (STORED_RA | STORED_FP) && s->saved == 0)
		move_cfa(s);
	else if (from == RSP && s->sp_known)
		point_reg(s, to, s->sp_below);
	else if (from == RBP && s->is_frame)
		point_reg(s, to, s->fp_below);
	else
		forget_reg(s, to);
}

/* add, or, …, cmp with a constant. */
static void apply_arithmetic(const struct x86 *x, struct arch_frame *s)
{
	uint8_t what = x->reg & 7;
	int64_t by = what == 5 ? x->imm : -x->imm;
	bool constant = (what == 0 || what == 5) && x->is_64bit && by > -(1 << 30) && by < 1 << 30;

	if (x->memory || what == 7)
		return;
	if (x->rm == RSP && constant && s->sp_known)
		s->sp_below += (int32_t)by;
	else if (x->rm == RBP && constant && s->is_frame)
		s->fp_below += (int32_t)by;
	else
		forget_reg(s, x->rm);
}

static void apply_leave(struct arch_frame *s)
{
	if (s->is_frame) {
		s->sp_known = true;
		s->sp_below = s->fp_below;
	} else {
		s->sp_known = false;
	}
	pop_reg(s, RBP);
}

/* reg and r/m operands, of which one is written, by an instruction that does nothing else that is
 * followed. */
static void write_operands(const struct x86 *x, struct arch_frame *s, bool reg, bool rm)
{
	if (reg)
		forget_reg(s, x->reg);
	if (rm && !x->memory)
		forget_reg(s, x->rm);
}

static void one_byte(const struct x86 *x, struct arch_frame *s)
{
	int32_t below;
	uint8_t op = x->op;

	if (op < 0x40) { /* eight operations: r/m,r  r,r/m  al,$; the last is cmp */
		bool to_rm = (op & 7) < 2;

		if (op == 0x39 && x->is_64bit && !x->memory && x->reg == R11 && x->rm == RSP &&
		    s->probe == PROBE_TO)
			s->probe = PROBE_COMPARED;
		if (op >= 0x38 || (op & 7) >= 4)
			return;
		if ((op & 0xfd) == 0x31 && !x->memory && x->reg == RBP && x->rm == RBP &&
		    (s->kept >> SAVED_RBP & 1) != 0 && (s->saved >> SAVED_RBP & 1) == 0)
			s->first = true; /* xor %ebp,%ebp */
		write_operands(x, s, !to_rm, to_rm);
	} else if (op >= 0x50 && op < 0x58) {
		push_reg(s, x->rm);
	} else if (op >= 0x58 && op < 0x60) {
		pop_reg(s, x->rm);
	} else if (op == 0x80 || op == 0x81 || op == 0x83) {
		apply_arithmetic(x, s);
	} else if (op == 0x89 && x->is_64bit && x->memory) {
		if (operand_place(x, s, &below))
			store_reg(s, x->reg, below);
		else
			store_moved(x, s);
	} else if (op == 0x89 && x->is_64bit) {
		move_reg(s, x->rm, x->reg);
	} else if (op == 0x8b && x->is_64bit && !x->memory) {
		move_reg(s, x->reg, x->rm);
	} else if (op == 0x8b && x->is_64bit && operand_place(x, s, &below)) {
		load_reg(s, x->reg, below);
		if (below == WORD)
			s->ra_in = dwarf_of(x->reg);
	} else if (op == 0x8d && x->is_64bit && operand_place(x, s, &below)) {
		point_reg(s, x->reg, below);
	} else if (op == 0x63 || op == 0x69 || op == 0x6b || op == 0x8a || op == 0x8b || op == 0x8d) {
		write_operands(x, s, true, false);
	} else if (op == 0x88 || op == 0x89 || op == 0xc0 || op == 0xc1 || (op >= 0xd0 && op <= 0xd3) ||
		   op == 0xc6 || op == 0xc7 || op == 0xfe || (op == 0xff && (x->reg & 7) < 2) ||
		   ((op & 0xfe) == 0xf6 && (x->reg & 6) == 2)) {
		write_operands(x, s, false, true);
	} else if (op == 0x86 || op == 0x87) {
		write_operands(x, s, true, true);
	} else if ((op > 0x90 && op < 0x98) || (op >= 0xb0 && op < 0xc0)) {
		forget_reg(s, x->rm);
	} else if (op == 0x68 || op == 0x6a || op == 0x9c || (op == 0xff && (x->reg & 7) == 6)) {
		push_reg(s, X86_NONE);
	} else if (op == 0x9d || op == 0x8f) {
		pop_reg(s, op == 0x8f && !x->memory ? x->rm : X86_NONE);
	} else if (op == 0xc9) {
		apply_leave(s);
	} else if (op == 0xc8) {
		s->sp_known = s->is_frame = false;
	}
}

static void two_bytes(const struct x86 *x, struct arch_frame *s)
{
	uint8_t op = x->op;
	bool reg = (op >= 0x40 && op < 0x50) || op == 0x2c || op == 0x2d || op == 0x50 || op == 0xaf ||
		   op == 0xb6 || op == 0xb7 || op == 0xb8 || (op >= 0xbc && op <= 0xbf) || op == 0xc5 ||
		   op == 0xd7 || op == 0x02 || op == 0x03;
	bool rm = op <= 0x01 || (op >= 0x90 && op < 0xa0) || op == 0x7e || op == 0xa4 || op == 0xa5 ||
		  op == 0xab || op == 0xac || op == 0xad || op == 0xb0 || op == 0xb1 || op == 0xb3 ||
		  op == 0xba || op == 0xbb || op == 0xc7;

	if (op == 0x05) { /* syscall */
		forget_reg(s, RCX);
		forget_reg(s, R11);
	} else if (op >= 0xc8 && op < 0xd0)
		forget_reg(s, x->rm); /* bswap */
	else if (op == 0xa2)
		forget_reg(s, 3); /* cpuid writes rbx */
	else if (op == 0xc0 || op == 0xc1)
		write_operands(x, s, true, true);
	else
		write_operands(x, s, reg, rm);
}

/* Big frames are made in a loop that touches each page, up to where r11 points:
 *   lea -N(%rsp),%r11;  1: sub $4096,%rsp;  orq $0,(%rsp);  cmp %r11,%rsp;  jne 1b */
static bool is_probe_end(const struct x86 *x, const struct arch_frame *s)
{
	return s->probe == PROBE_COMPARED && !x->vex &&
	       (x->map == X86_ONE_BYTE ? x->op == 0x75 : x->map == X86_0F && x->op == 0x85);
}

static void apply_effect(const struct x86 *x, struct arch_frame *s)
{
	if (x->is_16bit && x->map == X86_ONE_BYTE &&
	    ((x->op >= 0x50 && x->op < 0x60) || x->op == 0x68 || x->op == 0x6a))
		s->sp_known = false;
	if (x->vex) {
		/* Few write general registers: those of BMI, moves out of vectors. */
		if (!x->modrm)
			return;
		if (x->map == X86_0F && (x->op == 0x2c || x->op == 0x2d || x->op == 0x50 || x->op == 0x7e ||
					    x->op == 0x93 || x->op == 0xc5 || x->op == 0xd7))
			write_operands(x, s, true, true);
		if ((x->map == X86_0F38 && x->op >= 0xf0) ||
		    (x->map == X86_0F3A && (x->op == 0xf0 || (x->op >= 0x14 && x->op <= 0x17)))) {
			write_operands(x, s, true, true);
			forget_reg(s, x->vvvv);
		}
		return;
	}
	if (x->map == X86_ONE_BYTE)
		one_byte(x, s);
	else if (x->map == X86_0F)
		two_bytes(x, s);
	else if (x->map == X86_0F38 ? x->op >= 0xf0 : (x->op >= 0x14 && x->op <= 0x17))
		write_operands(x, s, true, true);
}

static void apply_insn(const struct arch_insn *insn, struct arch_frame *s)
{
	const struct x86 *x = &insn->is.x86;

	if (is_probe_end(x, s)) {
		s->sp_below = s->probe_below;
		s->sp_known = true;
	}
	apply_effect(x, s);
	/* Memory below the stack pointer is unused. */
	for (int i = 0; s->sp_known && i < SAVED; i++) {
		if (s->saved_below[i] > s->sp_below && (s->kept >> i & 1) != 0)
			s->saved &= (uint16_t) ~(1U << i);
	}
}

static enum arch_insn_kind kind_of(const struct x86 *x)
{
	uint8_t op = x->op;

	if (x->vex)
		return ARCH_INSN_PLAIN;
	if (x->map == X86_0F)
		return op >= 0x80 && op <= 0x8f ? ARCH_INSN_BRANCH
		       : op == 0x0b             ? ARCH_INSN_STOP
						: ARCH_INSN_PLAIN;
	if (x->map != X86_ONE_BYTE)
		return ARCH_INSN_PLAIN;
	if ((op >= 0x70 && op <= 0x7f) || (op >= 0xe0 && op <= 0xe3))
		return ARCH_INSN_BRANCH;
	if (op == 0xff)
		return (x->reg & 6) == 2   ? ARCH_INSN_CALL
		       : (x->reg & 7) == 4 ? ARCH_INSN_JUMP_ANY
		       : (x->reg & 7) == 5 ? ARCH_INSN_STOP
					   : ARCH_INSN_PLAIN;
	switch (op) {
	case 0xe8:
		return ARCH_INSN_CALL;
	case 0xe9:
	case 0xeb:
		return ARCH_INSN_JUMP;
	case 0xc3:
		return ARCH_INSN_RETURN;
	case 0xc2:
	case 0xca:
	case 0xcb:
	case 0xcf:
	case 0xf4:
		return ARCH_INSN_STOP;
	default:
		return ARCH_INSN_PLAIN;
	}
}

static bool decode_insn(const uint8_t *code, size_t n, struct arch_insn *out)
{
	struct x86 *x = &out->is.x86;

	if (!x86_decode(code, n, x))
		return false;
	out->len = x->len;
	out->kind = (uint8_t)kind_of(x);
	out->by_word = x->of_pc && !x->indexed;
	out->maybe_table = !x->of_pc;
	out->to = out->kind == ARCH_INSN_JUMP_ANY ? x->disp : x->imm;
	return true;
}

const struct arch_code arch_code_x86_64 = {
	.decode = decode_insn,
	.after = apply_insn,
	.start = { .sp_below = WORD, .ra_below = WORD, .kept = ALL_KEPT, .sp_known = true },
	.entry_align = 16,
	.entry = { 0xf3, 0x0f, 0x1e, 0xfa }, /* endbr64 */
	.n_entry = 4,
};
