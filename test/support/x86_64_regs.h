/* Registers of x86-64, for tests that draw its stacks: DWARF numbers, and places among those that a
 * frame saves. */
#ifndef SUPPORT_X86_64_REGS_H
#define SUPPORT_X86_64_REGS_H

enum {
	X86_64_RAX = 0,
	X86_64_RBX = 3,
	X86_64_RSI = 4,
	X86_64_RDI = 5,
	X86_64_RBP = 6,
	X86_64_RSP = 7,
	X86_64_PC = 16
};

enum {
	X86_64_SAVED_RBX,
	X86_64_SAVED_RBP,
	X86_64_SAVED_R12,
	X86_64_SAVED_R13,
	X86_64_SAVED_R14,
	X86_64_SAVED_R15,
	X86_64_SAVED
};

#endif
