/* Signals of Linux. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "os/signals.h"

const char *os_signal_name(int signo, char *buf, size_t n)
{
	const char *abbrev = sigabbrev_np(signo);

	if (abbrev != NULL)
		(void)snprintf(buf, n, "SIG%s", abbrev);
	else
		(void)snprintf(buf, n, "signal %d", signo);
	return buf;
}

bool os_signal_has_address(int signo, int code)
{
	return code > 0 && (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE ||
			       signo == SIGTRAP);
}
