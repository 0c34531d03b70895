/* Ends that the user asks for: SIGINT, SIGTERM and SIGHUP end a measurement, whose result is
 * printed. One that is ignored from the start stays so. */
#ifndef PYSTACK_INTERRUPTS_H
#define PYSTACK_INTERRUPTS_H

#include <signal.h>
#include <stdbool.h>

enum { INTERRUPTS = 3 };

/* The handlers that were there before. */
struct interrupts {
	struct sigaction old[INTERRUPTS];
};

/* Catch these signals. before: for interrupts_release; NULL: they are caught until the end. */
void interrupts_catch(struct interrupts *before);

/* True if an interrupt has come since interrupts_catch. */
bool interrupts_came(void);

/* True if it was a key on the terminal, which has interrupted other processes as well. */
bool interrupts_by_key(void);

/* From now on one that is caught interrupts a wait, which fails with EINTR. */
void interrupts_end_waits(void);

/* Put back the handlers that interrupts_catch has replaced. */
void interrupts_release(const struct interrupts *before);

#endif
