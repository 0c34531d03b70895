/* The kernel raises SIGBUS on an access to a mapped page that its file no longer has: the file
 * was truncated, or its disk fails.
 *
 * The code that reads the file cannot continue. So the handler names the file, by calls that are
 * safe in a handler, and ends the program. Text that was printed before is flushed, unless the
 * signal came in the middle of printing. */
#include "os/self.h"
#include "sigbus.h"

#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_SOME = 1, EXIT_NONE = 2 };

static volatile sig_atomic_t status = EXIT_NONE;

void sigbus_printing(void)
{
	status = EXIT_SOME;
}

static void write_stderr(const char *text)
{
	ssize_t done = write(STDERR_FILENO, text, strlen(text));

	(void)done; /* there is no other place to report it */
}

static void on_bus_error(int signo, siginfo_t *info, void *context)
{
	char line[PATH_MAX + 128];
	const char *path;

	(void)context;
	if (info->si_code <= 0) { /* it was sent: act as without this handler */
		(void)raise(signo);
		return;
	}
	/* The lock is held if the access was in a function of stdio. */
	if (ftrylockfile(stdout) == 0)
		(void)fflush(stdout);
	path = os_own_file_at((uintptr_t)info->si_addr, line, sizeof(line));
	write_stderr("pystack: ");
	write_stderr(path != NULL ? path : "a file");
	write_stderr(": file was truncated or became unreadable while being read; output is incomplete\n");
	_exit(status);
}

void sigbus_watch(void)
{
	struct sigaction act = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | (int)SA_RESETHAND };

	(void)sigemptyset(&act.sa_mask);
	(void)sigaction(SIGBUS, &act, NULL);
}
