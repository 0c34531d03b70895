/* Registers of x86 in assembler text (Intel SDM, volume 1, 3.4.1), with the DWARF numbers of both
 * ABIs. */
#include "arch/x86.h"

/* clang-format off */
/* eax, ax; of x86-64 also rax. */
#define PARTS_32(reg, name) { "e" name, reg, 0, 32 }, { name, reg, 0, 16 }
#define PARTS_64(reg, name) { "r" name, reg, 0, 64 }, PARTS_32(reg, name)
/* al, ah. */
#define BYTES(reg, letter) { letter "l", reg, 0, 8 }, { letter "h", reg, 8, 8 }
/* r8, r8d, r8w, r8b. */
#define NUMBERED(reg, name) \
	{ name, reg, 0, 64 }, { name "d", reg, 0, 32 }, { name "w", reg, 0, 16 }, { name "b", reg, 0, 8 }
/* clang-format on */

const struct arch_part x86_parts_x86_64[X86_64_PARTS] = {
	PARTS_64(0, "ax"),
	PARTS_64(1, "dx"),
	PARTS_64(2, "cx"),
	PARTS_64(3, "bx"),
	PARTS_64(4, "si"),
	PARTS_64(5, "di"),
	PARTS_64(6, "bp"),
	PARTS_64(7, "sp"),
	BYTES(0, "a"),
	BYTES(1, "d"),
	BYTES(2, "c"),
	BYTES(3, "b"),
	{ "sil", 4, 0, 8 },
	{ "dil", 5, 0, 8 },
	{ "bpl", 6, 0, 8 },
	{ "spl", 7, 0, 8 },
	NUMBERED(8, "r8"),
	NUMBERED(9, "r9"),
	NUMBERED(10, "r10"),
	NUMBERED(11, "r11"),
	NUMBERED(12, "r12"),
	NUMBERED(13, "r13"),
	NUMBERED(14, "r14"),
	NUMBERED(15, "r15"),
	{ "rip", 16, 0, 64 },
	{ "eip", 16, 0, 32 },
};

const struct arch_part x86_parts_i386[I386_PARTS] = {
	PARTS_32(0, "ax"),
	PARTS_32(1, "cx"),
	PARTS_32(2, "dx"),
	PARTS_32(3, "bx"),
	PARTS_32(4, "sp"),
	PARTS_32(5, "bp"),
	PARTS_32(6, "si"),
	PARTS_32(7, "di"),
	BYTES(0, "a"),
	BYTES(1, "c"),
	BYTES(2, "d"),
	BYTES(3, "b"),
	{ "eip", 8, 0, 32 },
	{ "ip", 8, 0, 16 },
};
