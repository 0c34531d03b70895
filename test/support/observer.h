/* `pystack --at` at work beside a fixture, until it is told to end. */
#ifndef SUPPORT_OBSERVER_H
#define SUPPORT_OBSERVER_H

#include "support/spawn.h"

struct observer {
	pid_t pid;
	int out, err;
};

/* Start pystack with args, among which are -v and --at, and wait until its probes are attached.
 * False: the kernel or this build refuses; observer_why_not says why. Any other failure ends the
 * test. */
bool observer_start(struct observer *o, const char *const args[]);
/* The same with this standard output; below 0: a pipe. */
bool observer_start_on(struct observer *o, const char *const args[], int fd);
const char *observer_why_not(void);

/* Interrupt it and take its output, without the first line of its standard error. */
struct run observer_end(struct observer *o);

/* The same for one that ends by itself. */
struct run observer_wait(struct observer *o);

/* The events of which `err` says, in lines that have `begin` before the number, that they were
 * lost. A loaded machine may lose some. */
long observer_lost(const char *err, const char *begin);

/* The name in "    [ file:line (name) ]". False: the line is not of that form. */
bool observer_name(const char *line, char name[64]);

/* The sum of the counts of stacks whose innermost Python function is `name`. */
long observer_count(const char *text, const char *name);

#endif
