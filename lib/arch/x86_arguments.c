/* Arguments of functions.
 *
 *   x86-64, compiled with a frame pointer        i386
 *   push rbp; mov rsp, rbp                       fp + 8   first argument
 *   [sub N, rsp; push r12; …]                    fp + 12  second …
 *   mov rdi, -0x18(rbp)    first argument        add $8, esp after the call: two
 *   mov esi, -0x1c(rbp)    second, of 4 bytes
 *
 * The walk over the first instructions ends at a branch or an unknown instruction. */
#include <string.h>

#include "arch/x86.h"

enum { CODE_BYTES = ARCH_START_BYTES, RBP = 5, RSP = 4, NO_ARGUMENT = -1 };

struct stored {
	bool known;
	int32_t at; /* offset from fp */
	uint8_t size;
};

struct entry {
	uint8_t code[CODE_BYTES];
	size_t n, at;
	bool framed;          /* rbp is the frame pointer */
	unsigned overwritten; /* a bit for each register */
	struct stored stored[ARCH_ARGS];
};

/* The index of the argument that a register passes. */
static int argument_in(unsigned reg)
{
	static const unsigned order[ARCH_ARGS] = { 7, 6, 2, 1, 8, 9 }; /* rdi, rsi, rdx, rcx, r8, r9 */

	for (int i = 0; i < ARCH_ARGS; i++) {
		if (order[i] == reg)
			return i;
	}
	return NO_ARGUMENT;
}

struct operand {
	unsigned mod, reg, rm;
	bool plain; /* memory at rm + disp, without index */
	int32_t disp;
};

/* Decode a ModRM byte and its operand at e->at. */
static bool take_operand(struct entry *e, unsigned rex, struct operand *out)
{
	unsigned modrm;
	bool sib, wide;

	if (e->at >= e->n)
		return false;
	modrm = e->code[e->at++];
	*out = (struct operand){ modrm >> 6, (modrm >> 3 & 7) | (rex & 4) << 1, (modrm & 7) | (rex & 1) << 3,
		true, 0 };
	if (out->mod == 3)
		return true;
	sib = (modrm & 7) == RSP;
	wide =
	    out->mod == 2 ||
	    (out->mod == 0 && ((modrm & 7) == RBP || (sib && e->at < e->n && (e->code[e->at] & 7) == RBP)));
	out->plain = !sib && out->mod != 0;
	e->at += sib;
	if (out->mod == 1 && e->at < e->n) {
		out->disp = (int32_t)(e->code[e->at++] ^ 0x80U) - 0x80;
	} else if (wide && e->at + sizeof(out->disp) <= e->n) {
		memcpy(&out->disp, e->code + e->at, sizeof(out->disp));
		e->at += sizeof(out->disp);
	} else if (out->mod != 0 || wide) {
		return false;
	}
	return e->at <= e->n;
}

static void note_store(struct entry *e, unsigned rex, const struct operand *op)
{
	int i = argument_in(op->reg);

	if (e->framed && op->plain && op->rm == RBP && i != NO_ARGUMENT &&
	    (e->overwritten >> op->reg & 1) == 0 && !e->stored[i].known)
		e->stored[i] = (struct stored){ true, op->disp, (rex & 8) != 0 ? 8 : 4 };
}

/* Decode an instruction with a ModRM byte that is usual at the start of functions. False: it is
 * another one. */
static bool step_operand(struct entry *e, unsigned rex, unsigned op)
{
	struct operand operand;

	if (!take_operand(e, rex, &operand))
		return false;
	switch (op) {
	case 0x89: /* mov reg, r/m */
		if (operand.mod != 3)
			note_store(e, rex, &operand);
		else if (operand.rm == RBP)
			e->framed = operand.reg == RSP;
		else
			e->overwritten |= 1U << operand.rm;
		return true;
	case 0x31: /* xor of a register with itself sets it to 0 */
	case 0x33:
		e->overwritten |= 1U << operand.reg;
		return operand.mod == 3 && operand.reg == operand.rm;
	case 0x8b: /* mov r/m, reg */
	case 0x8d: /* lea */
		if (op == 0x8d && operand.reg == RSP)
			return operand.rm == RSP; /* lea -N(%rsp), %rsp allocates the frame */
		e->overwritten |= 1U << operand.reg;
		return operand.reg != RSP && operand.reg != RBP;
	case 0x85: /* test */
	case 0x88: /* a byte to memory */
		return op == 0x85 || operand.mod != 3;
	case 0xc7: /* mov imm32, memory */
		e->at += 4;
		return operand.mod != 3;
	case 0x83: /* sub or and imm8, rsp */
	case 0x81:
		e->at += op == 0x83 ? 1 : 4;
		return operand.mod == 3 && operand.rm == RSP &&
		       ((operand.reg & 7) == 5 || (operand.reg & 7) == 4);
	default:
		return false;
	}
}

static bool step_insn(struct entry *e)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	unsigned rex = 0, op;

	if (e->n - e->at >= sizeof(endbr64) && memcmp(e->code + e->at, endbr64, sizeof(endbr64)) == 0) {
		e->at += sizeof(endbr64);
		return true;
	}
	if (e->at < e->n && e->code[e->at] == 0x64) /* fs: the stack protector's value */
		e->at++;
	if (e->at < e->n && (e->code[e->at] & 0xf0) == 0x40)
		rex = e->code[e->at++];
	if (e->at >= e->n)
		return false;
	op = e->code[e->at++];
	if ((op & 0xf8) == 0x50) /* push */
		return true;
	if ((op & 0xf8) == 0xb8 && (rex & 8) == 0) { /* mov imm32, reg */
		e->overwritten |= 1U << ((op & 7) | (rex & 1) << 3);
		e->at += 4;
		return true;
	}
	return step_operand(e, rex, op);
}

unsigned x86_64_stored_args(const uint8_t *code, size_t n, struct arch_stored_arg out[ARCH_ARGS])
{
	struct entry e = { .n = n < CODE_BYTES ? n : CODE_BYTES };
	unsigned argc = 0;

	memcpy(e.code, code, e.n);
	while (e.at < e.n && step_insn(&e))
		;
	for (; argc < ARCH_ARGS && e.stored[argc].known; argc++)
		out[argc] = (struct arch_stored_arg){ e.stored[argc].at, e.stored[argc].size };
	return argc;
}

/* add $n, %esp after the call. */
unsigned i386_passed_args(const uint8_t code[ARCH_AFTER_CALL_BYTES], unsigned most)
{
	uint32_t bytes;

	if (code[1] != 0xc4 || (code[0] != 0x83 && code[0] != 0x81))
		return most;
	memcpy(&bytes, code + 2, sizeof(bytes));
	if (code[0] == 0x83)
		bytes &= 0xff;
	bytes /= (uint32_t)sizeof(uint32_t);
	return bytes < most ? bytes : most;
}
