/* -- COMMAND: a program that is observed from its first instruction. */
#ifndef PYSTACK_AT_COMMAND_H
#define PYSTACK_AT_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command {
	const char *name; /* argv[0] */
	pid_t pid;        /* 0: there is none */
	int go;           /* it waits for the end of this pipe; −1: it runs */
	int error;        /* of its execvp, if that fails */
	bool ended;
	int status; /* as of waitpid, when it has ended */
};

/* Start a process that will execute argv when it is told to. It dies with pystack until then.
 * False: a message was printed. */
bool command_start(struct command *c, char **argv);

/* Let it execute its program. False: that fails, and a message was printed. */
bool command_go(struct command *c);

bool command_has_ended(struct command *c);

/* After the measurement: one that still runs gets SIGTERM, unless the user has interrupted it as
 * well as pystack by a key; wait for it. If it failed, say how. */
void command_finish(struct command *c, bool interrupted);

#endif
