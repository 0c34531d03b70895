/* A stack that the kernel has sent, as the record of a thread. */
#ifndef PYSTACK_AT_RECORDED_H
#define PYSTACK_AT_RECORDED_H

#include "probe/probe.h"
#include "stack/stack.h"

struct at_recorded {
	struct stack_recorded r; /* refers to the rest, and to the stack */
	struct stack_recorded_state states[PROBE_STATES];
	struct stack_recorded_return returns[PROBE_RETURNS];
};

/* Set *out, which must not be moved, to the thread of s. It is valid as long as s. */
void at_recorded_set(struct at_recorded *out, const struct probe_stack *s);

#endif
