/* A stack that the kernel has sent, as the record of a thread. */
#ifndef PYSTACK_AT_RECORDED_H
#define PYSTACK_AT_RECORDED_H

#include "at_observed.h"
#include "options.h"
#include "probe/probe.h"
#include "stack/stack.h"

enum { RECORDED_RANGES = 64 }; /* of replaced code; with more, all counts as replaced */

struct at_recorded {
	struct stack_recorded r; /* refers to the rest, and to the stack */
	struct stack_recorded_state states[PROBE_STATES];
	struct stack_recorded_return returns[PROBE_RETURNS];
	struct stack_recorded_range replaced[RECORDED_RANGES];
};

/* Set *out, which must not be moved, to the thread of s. It is valid as long as s. replaced: where
 * the handle that it is read by has other code. */
void at_recorded_set(
    struct at_recorded *out, const struct probe_stack *s, const struct probe_ranges *replaced);

/* Read the thread by the handle h, and prepare h->names and h->lines to name its frames. *th was
 * zero, and must be released by stack_thread_free, whatever is returned. */
enum res at_recorded_read(const struct at_recorded *recorded, struct handle *h, const struct options *opt,
    struct stack_thread *th, struct fault *f);

#endif
