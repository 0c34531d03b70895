/* Names of system calls, and the call that an LWP is in, by its registers. */
#include "proc/syscall.h"

#include <stdio.h>

/* NULL: the number has no name. */
static const struct arch_call_name *call_named(const struct arch *arch, long number)
{
	const struct arch_system *system = arch->system;

	return number >= 0 && (size_t)number < system->n_calls && system->calls[number].name != NULL
		   ? &system->calls[number]
		   : NULL;
}

char *proc_sysname(int number, char *buf, size_t n)
{
	const struct arch_call_name *call = call_named(arch_of_host(false), number);

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

void syscall_note(const struct arch *arch, lwpstatus_t *status, long number)
{
	const uint8_t *prgreg = arch->system->prgreg;
	const struct arch_call_name *call = call_named(arch, number);

	if (number < 0 || number > INT16_MAX || arch->system->calls == NULL ||
	    !is_interrupted(status->pr_reg[prgreg[arch->result]]))
		return;
	status->pr_flags |= PR_ASLEEP;
	status->pr_syscall = (short)number;
	status->pr_nsysarg = call != NULL ? call->argc : ARCH_ARGS;
	for (int i = 0; i < status->pr_nsysarg; i++)
		status->pr_sysarg[i] = status->pr_reg[prgreg[arch->args[i]]];
}
