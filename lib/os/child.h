/* Tracing a child of this process as a debugger does. If this process ends, the kernel lets the
 * child run. Linux only: linux_child.c over ptrace(2). */
#ifndef OS_CHILD_H
#define OS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* Trace a child that runs, and is not stopped by that: it stops when it executes a program, and
 * when a signal has come for it, of which waitpid tells. False: the kernel refuses. */
bool os_child_trace(pid_t pid);

/* These take a child that is stopped; signo: the signal it gets, or 0. */
void os_child_continue(pid_t pid, int signo);
void os_child_release(pid_t pid, int signo); /* it is no longer traced */

/* Stop one that runs. False: it has ended, or has stopped already. */
bool os_child_interrupt(pid_t pid);

/* status: waitpid's, of a child that is stopped. os_child_executed: true if it has executed a
 * program. Else os_child_signal is the signal that has come for it; 0: it has stopped for something
 * else. */
bool os_child_executed(int status);
int os_child_signal(int status);

#endif
