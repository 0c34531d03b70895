/* The system call that an LWP is in. */
#ifndef PROC_SYSCALL_H
#define PROC_SYSCALL_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/arch.h"

/* Record in *status, whose pr_reg is set, the system call in which the LWP sleeps: PR_ASLEEP,
 * pr_syscall, pr_nsysarg and pr_sysarg. number: what the kernel has at arch_system.user_syscall,
 * negative if the LWP is in no call. Records nothing if the call has ended, or the architecture's
 * calls are not known. */
void syscall_note(const struct arch *arch, lwpstatus_t *status, long number);

/* What the register of results has in regs; of 32 bits, with its sign. */
long syscall_result(const struct arch *arch, const prgregset_t regs);

#endif
