/* The system calls of x86-64. */
#include <asm/unistd_64.h>

#include "arch/linux_syscalls_rows.h"

/* What the kernel calls for itself, from a trampoline of a probe. */
#ifndef __NR_uretprobe
#define __NR_uretprobe 335
#endif
#ifndef __NR_uprobe
#define __NR_uprobe 336
#endif

#define SYSCALL_32(name, args)

static const struct arch_syscall rows[] = {
#define SYSCALL(name, args) SYSCALL_ROW(name, args)
#define SYSCALL_64(name, args) SYSCALL_ROW(name, args)
#include "arch/linux_syscalls_table.h"
#undef SYSCALL
#undef SYSCALL_64
};

static const int16_t numbers[] = {
#define SYSCALL(name, args) SYSCALL_NUMBER(name)
#define SYSCALL_64(name, args) SYSCALL_NUMBER(name)
#include "arch/linux_syscalls_table.h"
};

const struct arch_syscalls arch_syscalls_x86_64 = { rows, numbers, sizeof(rows) / sizeof(rows[0]) };
