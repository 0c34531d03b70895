/* PRIVATE to lib/proc: work that the kernel may never finish, in a child process that can be left
 * behind.
 *
 * Waiting for the server of a file system is done in the kernel. No signal ends that wait,
 * sometimes not even SIGKILL, and a process with such a thread cannot exit. So a child does the
 * work. It has only the descriptors that it is given, neither the output nor anybody's pipe, so
 * that nothing waits for its end. */
#ifndef PROC_ASIDE_H
#define PROC_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct aside {
	pid_t pid;
	int heard; /* the child's messages */
};

/* The child's descriptors. */
enum { ASIDE_IN = 0, ASIDE_OUT = 1, ASIDE_SAY = 2 };

/* Start work(data) in a child that has `in` and `out` (-1: none) as ASIDE_IN and ASIDE_OUT, and no
 * other descriptor. work may make system calls and call async-signal-safe functions. The child ends
 * when work returns, or with this process. False with errno: it cannot be created. */
bool aside_start(struct aside *a, int in, int out, void (*work)(void *data), void *data);

/* In the child: send n bytes (at most PIPE_BUF) to aside_hear. False: the parent is gone. */
bool aside_say(const void *bytes, size_t n);

/* Receive n bytes that the child sent in one piece. */
enum aside_heard {
	ASIDE_HEARD,
	ASIDE_ENDED, /* it has ended, or sent another number of bytes */
	ASIDE_LATE,  /* nothing came within ms milliseconds */
};
enum aside_heard aside_hear(const struct aside *a, void *bytes, size_t n, int ms);

/* Children that were killed and may take time to die: a VEC. */
struct aside_left {
	pid_t *at;
	size_t n, cap;
};

/* End the child. done: nothing delays it any more, and it is waited for. Otherwise it is killed,
 * and added to *left if it does not die at once. */
void aside_end(struct aside *a, bool done, struct aside_left *left);

/* Reap those children that have died, and remove them from the list. Does not wait. */
void aside_reap(struct aside_left *left);

#endif
