/* The kernel raises SIGBUS where a file is mapped and has no bytes any more: somebody truncated it, or its disk fails.
 *
 * Nothing can go on from there: what reads the file does not look for it. So the handler says which file it was, with
 * calls that are safe in a handler, and ends the program. What was printed before goes out, if it
 * is not in the middle of being printed. */
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

static void put(const char *text)
{
	ssize_t done = write(STDERR_FILENO, text, strlen(text));

	(void)done; /* nobody left to tell */
}

static void on_bus_error(int signo, siginfo_t *info, void *context)
{
	char line[PATH_MAX + 128];
	const char *path;

	(void)context;
	if (info->si_code <= 0) { /* somebody sent it: now as it would have been without this handler */
		(void)raise(signo);
		return;
	}
	/* Raised by an access outside the output's functions, else the lock is held. */
	if (ftrylockfile(stdout) == 0)
		(void)fflush(stdout);
	path = os_own_file_at((uintptr_t)info->si_addr, line, sizeof(line));
	put("pystack: ");
	put(path != NULL ? path : "a file");
	put(": file was truncated or became unreadable while being read; output is incomplete\n");
	_exit(status);
}

void sigbus_watch(void)
{
	struct sigaction act = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | (int)SA_RESETHAND };

	(void)sigemptyset(&act.sa_mask);
	(void)sigaction(SIGBUS, &act, NULL);
}
