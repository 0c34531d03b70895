/* The system calls of i386. */
#include <asm/unistd_32.h>

#include "arch/linux_syscalls_rows.h"

#define SYSCALL_64(name, args)

static const struct arch_syscall rows[] = {
#define SYSCALL(name, args) SYSCALL_ROW(name, args)
#define SYSCALL_32(name, args) SYSCALL_ROW(name, args)
#include "arch/linux_syscalls_table.h"
#undef SYSCALL
#undef SYSCALL_32
};

static const int16_t numbers[] = {
#define SYSCALL(name, args) SYSCALL_NUMBER(name)
#define SYSCALL_32(name, args) SYSCALL_NUMBER(name)
#include "arch/linux_syscalls_table.h"
};

const struct arch_syscalls arch_syscalls_i386 = { rows, numbers, sizeof(rows) / sizeof(rows[0]) };
