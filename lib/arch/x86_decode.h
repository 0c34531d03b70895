/* PRIVATE to lib/arch: instructions of x86-64, as far as following code needs them: how long one
 * is, what its operands are. (Intel's manual, volume 2, chapter 2 and appendix A.) */
#ifndef ARCH_X86_DECODE_H
#define ARCH_X86_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { X86_LENGTH_MAX = 15, X86_NONE = 0xff };

/* Opcode maps; those of VEX and EVEX are the same ones. */
enum x86_map { X86_ONE_BYTE, X86_0F, X86_0F38, X86_0F3A };

/* Registers are numbers 0 … 15 as in encodings: 4 is rsp, 5 is rbp. */
struct x86 {
	uint8_t len;
	uint8_t map, op;
	bool vex;      /* VEX or EVEX */
	bool is_64bit; /* 64-bit operands are asked for (REX.W) */
	bool is_16bit; /* 16-bit ones are (66) */
	bool repeat;   /* f3 */
	bool modrm;    /* it has one: the next five */
	bool memory;   /* its r/m operand is memory: at base + disp, index aside */
	bool indexed;  /* plus an index, or in a segment of its own (FS, GS) */
	bool of_pc;    /* base is the address of the next instruction */
	uint8_t reg;   /* its reg operand, or (without the prefix's bit) the operation, `reg & 7` */
	uint8_t rm;    /* its r/m operand where that is a register; else the base, or X86_NONE */
	uint8_t vvvv;  /* with vex: the other register */
	int32_t disp;
	int64_t imm; /* sign-extended; 0 none */
};

/* Decode the instruction at code, of which n bytes are there. False: none, cut short, or none of
 * 64-bit programs. */
bool x86_decode(const uint8_t *code, size_t n, struct x86 *out);

#endif
