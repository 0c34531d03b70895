/* Ends that the user asks for: SIGINT and SIGTERM end a measurement, whose result is printed. */
#ifndef PYSTACK_INTERRUPTS_H
#define PYSTACK_INTERRUPTS_H

#include <signal.h>
#include <stdbool.h>

/* The handlers that were there before. */
struct interrupts {
	struct sigaction on_int, on_term;
};

/* Catch both signals. before: for interrupts_release; NULL: they are caught until the end. */
void interrupts_catch(struct interrupts *before);

/* Has one come since interrupts_catch? */
bool interrupts_came(void);

/* Was it a key on the terminal, which has interrupted other processes as well? */
bool interrupts_by_key(void);

void interrupts_release(const struct interrupts *before);

#endif
