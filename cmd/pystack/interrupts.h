/* Ends that the user asks for: SIGINT, SIGTERM and SIGHUP end a measurement, whose result is
 * printed, and so does SIGXCPU, the limit of processor time. One that is ignored from the start
 * stays so. */
#ifndef PYSTACK_INTERRUPTS_H
#define PYSTACK_INTERRUPTS_H

#include <signal.h>
#include <stdbool.h>

enum { INTERRUPTS = 4 };

/* The handlers that were there before. */
struct interrupts {
	struct sigaction old[INTERRUPTS];
};

/* Catch these signals. before: for interrupts_release; NULL: they are caught until the end. */
void interrupts_catch(struct interrupts *before);

/* A write to a file that may grow no further fails with EFBIG, and no signal ends the program. */
void interrupts_fail_writes(void);

/* True if an interrupt has come since interrupts_catch. */
bool interrupts_came(void);

/* True if it was a key on the terminal, which has interrupted other processes as well. */
bool interrupts_by_key(void);

/* True if the limit of processor time has ended a measurement. */
bool interrupts_by_limit(void);

/* From now on one that is caught interrupts a wait, which fails with EINTR. */
void interrupts_end_waits(void);

/* Put back the handlers that interrupts_catch has replaced. */
void interrupts_release(const struct interrupts *before);

#endif
