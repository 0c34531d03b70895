/* See at_command.h. */
#include "at_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "at_command_hold.h"
#include "base/owned.h"
#include "interrupts.h"
#include "warn.h"

static bool refuse_command(const char *name, int error)
{
	warn_line("cannot run %s: %s", name, error == ENOENT ? "command not found" : strerror(error));
	return false;
}

/* The child. If pystack ends before it lets go, the pipe ends as well, without a byte. */
static void wait_and_execute(char **argv, int go, int error)
{
	char byte;
	int e;

	if (read(go, &byte, 1) != 1)
		_exit(127);
	(void)execvp(argv[0], argv);
	e = errno;
	(void)!write(error, &e, sizeof(e));
	_exit(0); /* a second message would say nothing new */
}

static void close_end(int *fd)
{
	fd_release(fd);
	*fd = -1;
}

/* A child's end interrupts a wait. */
static void child_ended(int signo)
{
	(void)signo;
}

bool command_start(struct command *c, char **argv)
{
	const struct sigaction wake = { .sa_handler = child_ended, .sa_flags = SA_NOCLDSTOP };
	int go[2] = { -1, -1 }, error[2] = { -1, -1 };

	*c = (struct command){ .name = argv[0], .go = -1, .error = -1 };
	if (pipe2(go, O_CLOEXEC) != 0)
		return refuse_command(argv[0], errno);
	if (pipe2(error, O_CLOEXEC) != 0) {
		int e = errno;

		fd_release(&go[0]);
		fd_release(&go[1]);
		return refuse_command(argv[0], e);
	}
	(void)fflush(NULL);
	(void)sigaction(SIGCHLD, &wake, NULL);
	c->pid = fork();
	if (c->pid == 0) {
		(void)close(go[1]);
		(void)close(error[0]);
		wait_and_execute(argv, go[0], error[1]);
	}
	fd_release(&go[0]);
	fd_release(&error[1]);
	c->go = go[1];
	c->error = error[0];
	if (c->pid > 0)
		return true;
	c->pid = 0;
	(void)refuse_command(argv[0], errno);
	close_end(&c->go);
	close_end(&c->error);
	return false;
}

bool command_go(struct command *c)
{
	bool traced = command_trace(c);
	bool ok = write(c->go, "", 1) == 1;
	int e = errno;
	ssize_t n;

	close_end(&c->go);
	if (ok && traced)
		command_await_exec(c);
	do
		n = read(c->error, &e, sizeof(e));
	while (n < 0 && errno == EINTR);
	close_end(&c->error);
	return (ok && n == 0) || refuse_command(c->name, e);
}

bool command_has_ended(struct command *c)
{
	if (c->pid != 0 && !c->ended)
		c->ended = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
	return c->ended;
}

void command_finish(struct command *c, bool interrupted)
{
	bool told = c->go >= 0; /* it has not begun, and will not */

	if (c->pid == 0)
		return;
	command_release(c);
	close_end(&c->go);
	close_end(&c->error);
	if (!command_has_ended(c)) {
		if (!told && !interrupted)
			told = kill(c->pid, SIGTERM) == 0;
		/* Another ^C ends the wait. */
		interrupts_end_waits();
		c->ended = waitpid(c->pid, &c->status, 0) == c->pid;
	}
	if (!c->ended || interrupted || told)
		return;
	if (WIFSIGNALED(c->status))
		warn_line("%s was ended by signal %d (%s)", c->name, WTERMSIG(c->status),
		    strsignal(WTERMSIG(c->status)));
	else if (WEXITSTATUS(c->status) != 0)
		warn_line("%s exited with status %d", c->name, WEXITSTATUS(c->status));
}
