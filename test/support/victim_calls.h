/* A victim whose threads each block in another one of the system calls that return early if their
 * thread is stopped. It counts the early returns. */
#ifndef SUPPORT_VICTIM_CALLS_H
#define SUPPORT_VICTIM_CALLS_H

#include "support/victim.h"

enum { VICTIM_CALLS = 12 };

/* Shared memory of the test and the victim. */
struct victim_calls {
	const char *name[VICTIM_CALLS]; /* NULL: the system does not allow the call */
	unsigned early[VICTIM_CALLS];   /* returns before the awaited event */
	unsigned long beats;            /* with `spin`: grows as long as the victim runs */
};

/* Must be called once before victim_start, whose process inherits the memory. */
struct victim_calls *victim_calls_share(void);

/* The number of early returns so far. names, of n bytes, receives the names of the calls. */
unsigned victim_calls_early(const struct victim_calls *calls, char *names, size_t n);

/* The victim's main function. spin 1: one more thread never blocks. */
void victim_calling(int out, int in, int spin);

#endif
