/* The system call that an LWP is in (x86-64). */
#ifndef PROC_SYSCALL_H
#define PROC_SYSCALL_H

#include <libproc.h>
#include <stdbool.h>

/* Record in *status, whose pr_reg is set, the system call in which the LWP sleeps: PR_ASLEEP,
 * pr_syscall, pr_nsysarg and pr_sysarg. number: the kernel's orig_rax, negative if the LWP is not
 * in a call. Records nothing if the call has ended. */
void syscall_note(lwpstatus_t *status, long number);

#endif
