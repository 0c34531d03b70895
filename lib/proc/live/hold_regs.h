/* PRIVATE to lib/proc: registers as ptrace gives them. */
#ifndef PROC_HOLD_REGS_H
#define PROC_HOLD_REGS_H

#include <libproc.h>
#include <sys/user.h>

/* Convert NT_PRSTATUS of PTRACE_GETREGSET of a 64-bit LWP. Sets all of regs. */
void hold_regs_from_user(prgregset_t regs, const struct user_regs_struct *user);

/* The number of the system call that the LWP is in, from the same set; negative: it is in none. */
long hold_regs_syscall(const struct user_regs_struct *user);

#endif
