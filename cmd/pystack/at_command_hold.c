/* Holding the command until it has been looked at.
 *
 *   execve(2) ── held: its executable is looked at
 *       │        a debug register of the processor watches AT_ENTRY
 *   dynamic linker maps the libraries
 *       │
 *   AT_ENTRY ─── PROBE_WATCH_SIGNAL arrives, and is dropped
 *                held: its libraries are looked at */
#include "at_command_hold.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "interrupts.h"
#include "os/child.h"

enum { LONGEST_S = 2 };

bool command_trace(struct command *c)
{
	return os_child_trace(c->pid);
}

static void set_ended(struct command *c, int status)
{
	c->ended = true;
	c->status = status;
}

void command_await_exec(struct command *c)
{
	int status;

	while (!c->ended && !c->held) {
		pid_t pid = waitpid(c->pid, &status, 0);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid != c->pid)
			return;
		if (!WIFSTOPPED(status))
			set_ended(c, status);
		else if (os_child_executed(status))
			c->held = true;
		else
			os_child_continue(c->pid, os_child_signal(status));
	}
}

void command_release(struct command *c)
{
	if (c->held)
		os_child_release(c->pid, 0);
	c->held = false;
}

/* Let go of a command that runs. */
static void interrupt_command(struct command *c)
{
	int status;

	if (!os_child_interrupt(c->pid))
		return;
	while (waitpid(c->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return;
	}
	if (WIFSTOPPED(status))
		os_child_release(c->pid, os_child_signal(status));
	else
		set_ended(c, status);
}

/* Let the command run to the instruction that is watched, and look meanwhile. It is held then,
 * unless it does not get there. */
static void run_to_entry(struct command *c, bool (*look)(void *data), void *data)
{
	int64_t end = clock_now_ns() + (int64_t)LONGEST_S * 1000000000;
	int status;

	c->held = false;
	os_child_continue(c->pid, 0);
	do {
		pid_t pid = waitpid(c->pid, &status, WNOHANG);

		if (pid < 0 && errno != EINTR)
			return;
		if (pid <= 0)
			continue;
		if (!WIFSTOPPED(status)) {
			set_ended(c, status);
			return;
		}
		/* Another program is looked at as one that begins later. */
		c->held = os_child_signal(status) == PROBE_WATCH_SIGNAL || os_child_executed(status);
		if (c->held)
			return;
		os_child_continue(c->pid, os_child_signal(status));
	} while (look(data) && !interrupts_came() && clock_now_ns() < end);
	interrupt_command(c);
}

void command_look(struct command *c, struct observing *x, bool (*look)(void *data), void *data)
{
	int64_t end = clock_now_ns() + (int64_t)LONGEST_S * 1000000000;
	const struct observed *o = NULL;
	bool ok = true;
	long entry;

	while (c->held && ok && (o = observing_opened(x, (uint32_t)c->pid)) == NULL && !interrupts_came() &&
	       clock_now_ns() < end)
		ok = look(data);
	entry = o == NULL ? -1 : Pgetauxval(o->now.P, AT_ENTRY);
	if (entry != -1 && probe_session_watch(x->session, (uint32_t)c->pid, (uint64_t)entry)) {
		run_to_entry(c, look, data);
		probe_session_unwatch(x->session);
		if (c->held)
			(void)look(data);
	}
	command_release(c);
}
