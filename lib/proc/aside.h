/* PRIVATE to lib/proc: work that the kernel may never finish, in a child process that can be left behind.
 *
 * Whoever waits for the answer of a file system's server waits in the kernel, where no signal ends it; sometimes not even
 * SIGKILL does, and a process with such a thread cannot exit. So the work is done by a child. It holds nothing of this process's
 * but what it is given, neither the output nor anybody's pipe: nobody waits for its end. */
#ifndef PROC_ASIDE_H
#define PROC_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct aside {
	pid_t pid;
	int heard; /* what the child says */
};

/* The child's descriptors. */
enum { ASIDE_IN = 0, ASIDE_OUT = 1, ASIDE_SAY = 2 };

/* Begin work(data) in a child that has `in` and `out` (-1: nothing) as ASIDE_IN and ASIDE_OUT, and no other descriptor. It may
 * make system calls and call what is safe in a signal handler; it ends when it returns, or when this process does. False
 * with errno: there can be no child. */
bool aside_start(struct aside *a, int in, int out, void (*work)(void *data), void *data);

/* In the child: n bytes (at most PIPE_BUF) for aside_hear. False: nobody listens. */
bool aside_say(const void *bytes, size_t n);

/* The next n bytes that the child said in one piece. */
enum aside_heard {
	ASIDE_HEARD,
	ASIDE_ENDED, /* it has ended, or said something else */
	ASIDE_LATE,  /* ms milliseconds are over */
};
enum aside_heard aside_hear(const struct aside *a, void *bytes, size_t n, int ms);

/* Children that were killed and may take their time to die: a VEC. */
struct aside_left {
	pid_t *at;
	size_t n, cap;
};

/* End the child. done: it has nothing left to do that could keep it, and is waited for. Otherwise it
 * is killed, and joins *left if it does not die at once. */
void aside_end(struct aside *a, bool done, struct aside_left *left);

/* Take those that have died off the list, and out of the system's. Waits for none. */
void aside_reap(struct aside_left *left);

#endif
