/* PRIVATE to lib/stack: which threads that were read blocked are stopped to read their
 * registers. */
#ifndef STACK_REHOLD_H
#define STACK_REHOLD_H

#include "capture/capture.h"
#include "stack/stack.h"

/* The results of such stops, for all captures of a target. */
struct rehold {
	/* Hashes of native stacks that more registers did not help. */
	VEC(uint64_t) tried;
	unsigned failed;         /* threads that could not be stopped */
	const struct arch *arch; /* the target's */
};

/* True if l, whose stack is th, should be stopped: something about th is uncertain, registers might
 * settle it, and its native stack was not tried before. An LWP that is in no system call was
 * already stopped (by a signal or another program): stopping it costs it nothing, and pc and sp
 * alone show least of it. *stack: a hash of the native stack, for rehold_tried. */
bool rehold_wanted(
    const struct rehold *a, const struct capture_lwp *l, const struct stack_thread *th, uint64_t *stack);

/* Remembers *stack if th, the result of the stop, is still uncertain. Without memory it is not
 * remembered, and such stacks are tried more often. */
void rehold_tried(struct rehold *a, uint64_t stack, const struct stack_thread *th);

/* True if failures are few enough to stop one more thread. Each may take a tenth of a second. */
bool rehold_may(const struct rehold *a);

/* Notes in th that the thread could not be stopped, for this reason; NULL: it was not tried, after
 * too many failures. */
void rehold_failed(struct rehold *a, const char *reason, struct stack_thread *th);

/* Free what *a has. */
void rehold_free(struct rehold *a);

#endif
