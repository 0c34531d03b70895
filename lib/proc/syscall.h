/* Which system call an LWP is in (x86-64). */
#ifndef PROC_SYSCALL_H
#define PROC_SYSCALL_H

#include <libproc.h>
#include <stdbool.h>

/* Enter into *status, whose pr_reg is set, the call that the LWP sleeps in: PR_ASLEEP, pr_syscall, pr_nsysarg, pr_sysarg.
 * number: what the kernel keeps as orig_rax, negative where the LWP came into the kernel by no call. Nothing is entered if it
 * has done with the call. */
void syscall_note(lwpstatus_t *status, long number);

#endif
