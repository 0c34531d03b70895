/* PRIVATE to lib/stack: the code of each runtime's evaluation loop. */
#ifndef STACK_EVAL_LOOP_H
#define STACK_EVAL_LOOP_H

#include "stack/join/join.h"
#include "stack/stack.h"

enum { EVAL_LOOP_RANGES = 16 };

struct eval_loop {
	bool by_name;   /* its symbols were looked up */
	bool by_stacks; /* the stacks of all threads were searched for it */
	struct py_range at[EVAL_LOOP_RANGES];
	size_t n;
};

/* When the code of a loop is looked up. */
enum eval_loop_code {
	EVAL_LOOP_UNMARKED, /* if its activations have no markers */
	EVAL_LOOP_ALWAYS
};

/* The loop of a runtime, as the join needs it. Its code is looked up at most once per target, since
 * that reads symbol tables. */
struct join_loop eval_loop_of(struct stack_target *t, uint32_t runtime, enum eval_loop_code code);

/* A runtime of a target. */
struct eval_loop_place {
	struct stack_target *t;
	uint32_t runtime;
};

/* For walk.in_loop; data is a struct eval_loop_place. True also if the loop's code is unknown. */
bool eval_loop_may_hold(void *data, const struct native_frame *fr);

#endif
