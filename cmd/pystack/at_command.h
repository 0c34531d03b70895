/* -- COMMAND: a program that is observed from its first instruction. */
#ifndef PYSTACK_AT_COMMAND_H
#define PYSTACK_AT_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "at_observed.h"

struct command {
	const char *name; /* argv[0] */
	pid_t pid;        /* 0: there is none */
	int go;           /* it waits for the end of this pipe; −1: it runs */
	int error;        /* of its execvp, if that fails */
	bool held;        /* it has executed its program, and waits for command_release */
	bool ended;
	int status; /* as of waitpid, when it has ended */
};

/* Start a process that will execute argv when it is told to. It dies with pystack until then.
 * False: a message was printed. */
bool command_start(struct command *c, char **argv);

/* Let it execute its program. If the kernel lets us, the program is held before its first
 * instruction (c->held), so that it can be looked at: it may end within milliseconds. False: it
 * cannot be executed, and a message was printed. */
bool command_go(struct command *c);

/* Let a program that is held run. If pystack ends, the kernel does so. */
void command_release(struct command *c);

/* Look at a program that is held, with `look` (false: it failed, and will again), until it is known
 * to x, and once more when it has mapped its libraries, at its first own instruction; then let it
 * run. Neither takes longer than some seconds. */
void command_look(struct command *c, struct observing *x, bool (*look)(void *data), void *data);

/* True if the program has ended. Does not wait for it. */
bool command_has_ended(struct command *c);

/* After the measurement: one that still runs gets SIGTERM, unless the user has interrupted it as
 * well as pystack by a key; wait for it. If it failed, say how. */
void command_finish(struct command *c, bool interrupted);

#endif
