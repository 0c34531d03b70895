/* PRIVATE to lib/stack: which threads that were read asleep are held for the registers that they were read without. */
#ifndef STACK_REHOLD_H
#define STACK_REHOLD_H

#include "capture/capture.h"
#include "stack/stack.h"

/* What holds of such threads came to, for all captures of a target. */
struct rehold {
	VEC(uint64_t)
	tried;           /* native stacks, by a number made of their code: more registers did not help them */
	unsigned failed; /* threads that could not be held */
};

/* Is l, whose stack th is, worth a hold? Something about th has to be unsure that registers might tell: each native stack is tried
 * once. An LWP that is in no system call was stopped (by a signal, by another program): a hold costs it nothing, and pc
 * and sp alone tell least of it. *stack: a number made of the native stack, for rehold_tried. */
bool rehold_wanted(
    const struct rehold *a, const struct capture_lwp *l, const struct stack_thread *th, uint64_t *stack);

/* th is what came of the hold: remember *stack if it was no help. (Without memory it is not remembered, and such stacks
 * are held more often.) */
void rehold_tried(struct rehold *a, uint64_t stack, const struct stack_thread *th);

/* Have there been so few failures that one more may be held? Each may take a tenth of a second. */
bool rehold_may(const struct rehold *a);

/* One could not be held, for this reason, or, after too many, was not tried (NULL then): say so in th. */
void rehold_failed(struct rehold *a, const char *reason, struct stack_thread *th);

void rehold_free(struct rehold *a);

#endif
