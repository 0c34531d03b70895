/* See child.h. */
#include "os/child.h"

#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

bool os_child_trace(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, (uintptr_t)PTRACE_O_TRACEEXEC) == 0;
}

void os_child_continue(pid_t pid, int signo)
{
	(void)ptrace(PTRACE_CONT, pid, NULL, (uintptr_t)signo);
}

void os_child_release(pid_t pid, int signo)
{
	(void)ptrace(PTRACE_DETACH, pid, NULL, (uintptr_t)signo);
}

bool os_child_interrupt(pid_t pid)
{
	return ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0;
}

/* The event of PTRACE_O_… that a child has stopped for; 0: none. */
static int event_of(int status)
{
	return status >> 16;
}

bool os_child_executed(int status)
{
	return event_of(status) == PTRACE_EVENT_EXEC;
}

int os_child_signal(int status)
{
	return event_of(status) == 0 ? WSTOPSIG(status) : 0;
}
