/* Signals of Linux, and those in cores of illumos. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "os/signals.h"
#include "proc/handle.h"

const char *os_signal_name(struct ps_prochandle *P, int signo, char *buf, size_t n)
{
	const char *abbrev = P->illumos ? signal_of_illumos(signo) : sigabbrev_np(signo);

	if (abbrev != NULL)
		(void)snprintf(buf, n, "SIG%s", abbrev);
	else
		(void)snprintf(buf, n, "signal %d", signo);
	return buf;
}

/* True if a siginfo with this signal and code has a fault address. One sent by a process has code
 * <= 0. */
static bool has_address(bool illumos, int signo, int code)
{
	enum { ILLUMOS_SIGBUS = 10 };

	return code > 0 && (signo == SIGSEGV || signo == (illumos ? ILLUMOS_SIGBUS : SIGBUS) ||
			       signo == SIGILL || signo == SIGFPE || signo == SIGTRAP);
}

struct os_signal_cause os_signal_cause(struct ps_prochandle *P, const lwpstatus_t *lwp)
{
	const prsiginfo_t *info = &lwp->pr_info;
	struct os_signal_cause cause = { .sender = 0 };

	if (lwp->pr_cursig == 0 || info->pr_signo != lwp->pr_cursig)
		return cause;
	cause.sender = info->pr_pid;
	cause.has_address = cause.sender == 0 && has_address(P->illumos, info->pr_signo, info->pr_code);
	cause.address = cause.has_address ? info->pr_addr : 0;
	return cause;
}
