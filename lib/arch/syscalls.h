/* System calls: numbers, names and arguments. */
#ifndef ARCH_SYSCALLS_H
#define ARCH_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch;

#include "arch/arch.h"

/* A system call. It holds no pointers, so that the dynamic linker has nothing to do with it. */
struct arch_syscall {
	char name[32];
	/* "*" if it returns an address; "?" if its arguments are not known, else for each a letter
	 * for its kind (probe/probe_syscalls.c) and its name. These are strings in sequence, an
	 * empty one at the end. */
	char args[72];
};

struct arch_syscalls {
	const struct arch_syscall *rows; /* in no order */
	const int16_t *numbers;          /* of each row; −1: unknown, as the kernel's header is older */
	size_t n;
};

/* The call with this number. NULL: there is none, or calls is NULL. The search reads a kilobyte. */
const struct arch_syscall *arch_syscall_at(const struct arch_syscalls *calls, long number);

/* The number of arguments; the most that any call has if they are not known. */
unsigned arch_syscall_argc(const struct arch_syscall *call);

enum { ARCH_ENTRY = 2 }; /* bytes of the instruction that enters the kernel */
/* The architecture whose system call a program of architecture a makes by this instruction: one of
 * 64 bits can make those of i386. */
const struct arch *arch_of_entry(const struct arch *a, const uint8_t entry[ARCH_ENTRY]);

enum { ARCH_CALL_CODE = 8 };
/* The number of the call that a program of architecture a makes by this code, which ends where the
 * kernel is entered. False: the code does not tell it. */
bool arch_call_of_code(const struct arch *a, const uint8_t code[ARCH_CALL_CODE], int32_t *number);

#endif
