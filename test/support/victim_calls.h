/* A victim that blocks in each of the system calls which a stop makes return early, one thread each, and counts when one
 * does. */
#ifndef SUPPORT_VICTIM_CALLS_H
#define SUPPORT_VICTIM_CALLS_H

#include "support/victim.h"

enum { VICTIM_CALLS = 12 };

/* Seen by the test and the victim alike. */
struct victim_calls {
	const char *name[VICTIM_CALLS]; /* NULL: the system does not let it be called */
	unsigned early[VICTIM_CALLS];   /* how often it came back without having done what it waits for */
	unsigned long beats;            /* with `spin`: goes up as long as the victim runs */
};

/* To be called once before victim_start, which inherits it. */
struct victim_calls *victim_calls_share(void);

/* All calls that came back early so far, and into names which (of n bytes). */
unsigned victim_calls_early(const struct victim_calls *calls, char *names, size_t n);

/* spin: 1, there is also a thread that never blocks. */
void victim_calling(int out, int in, int spin);

#endif
