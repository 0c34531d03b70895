/* PRIVATE to lib/stack/join: which activation each run of Python frames belongs to. */
#ifndef STACK_JOIN_PLAN_H
#define STACK_JOIN_PLAN_H

#include "stack/join/join.h"

/* owner[r] = index of the native frame that run r belongs to, or JOIN_NOWHERE. */
enum { JOIN_NOWHERE = -1 };
struct join_plan {
	int64_t *owner; /* one per run */
	int64_t *at;    /* one per run: the native frame it is printed behind, -1 before all; of stack_join */
	bool *unsure;   /* one per run */
	uint32_t *order; /* the runs in the order of their lines */
	bool *bare;      /* one per native frame: a JOIN_BARE follows it */
	bool apart;      /* as in struct join */
	int64_t start; /* the native frame behind a JOIN_START, JOIN_NOWHERE: there is none; of stack_join */
};
/* A plan for in: nothing is placed. False: out of memory. join_plan_free in any case. */
bool join_plan_init(struct join_plan *plan, const struct join_input *in);
void join_plan_free(struct join_plan *plan);

/* Fill the plan, by the rules of in's loops. RES_FAIL: out of memory. */
enum res join_plan_make(const struct join_input *in, struct join_plan *plan, struct fault *f);

/* --- its steps: in has the runs of one runtime, whose loop it is --- */

enum res join_by_markers(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f);
enum res join_by_order(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f);

/* Then, for either: the owner of each run that is made (py_frame.made) is the function that made it, where that is to be
 * found. RES_FAIL: out of memory. */
enum res join_made(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f);

/* Then the owner of each run whose marker lies below or above all of the stack, which was walked to its end: by order, unsure, from the
 * oldest on, among activations in the code of the loop that no other run owns. */
void join_apart(const struct join_input *in, const struct join_loop *loop, struct join_plan *plan);

/* py_frame.instr of a frame that has not begun (≤ 3.10). */
#define JOIN_NOT_BEGUN UINT64_MAX

/* Is this frame a stand-in for lost activations (made by the walk)? */
static inline bool join_is_gap(const struct native_frame *fr)
{
	return fr->gap;
}

#endif
