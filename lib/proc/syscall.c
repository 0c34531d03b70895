/* Names of system calls, and the call that an LWP is in, by its registers. */
#include "proc/syscall.h"

#include <stdio.h>

#include "arch/syscalls.h"

char *proc_sysname(int number, char *buf, size_t n)
{
	const struct arch_syscall *call = arch_syscall_at(arch_of_host(false)->system->calls, number);

	if (call != NULL)
		(void)snprintf(buf, n, "%s", call->name);
	else
		(void)snprintf(buf, n, "SYS#%d", number);
	return buf;
}

/* Results that the kernel itself uses for a call interrupted by a signal or a stop (Linux
 * include/linux/errno.h: ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK).
 * Programs never see them: the LWP was in the call and will continue it. */
static bool is_interrupted(long result)
{
	return result == -512 || result == -513 || result == -514 || result == -516;
}

long syscall_result(const struct arch *arch, const prgregset_t regs)
{
	prgreg_t result = regs[arch->system->prgreg[arch->result]];

	return arch->pointer_size == sizeof(int32_t) ? (int32_t)result : (long)result;
}

void syscall_note(const struct arch *arch, lwpstatus_t *status, long number)
{
	const uint8_t *prgreg = arch->system->prgreg;
	const struct arch_syscall *call;

	if (number < 0 || number > INT16_MAX || arch->system->calls == NULL ||
	    !is_interrupted(syscall_result(arch, status->pr_reg)))
		return;
	call = arch_syscall_at(arch->system->calls, number);
	status->pr_flags |= PR_ASLEEP;
	status->pr_syscall = (short)number;
	status->pr_nsysarg = (short)(call != NULL ? arch_syscall_argc(call) : ARCH_ARGS);
	for (int i = 0; i < status->pr_nsysarg; i++)
		status->pr_sysarg[i] = status->pr_reg[prgreg[arch->args[i]]];
}
