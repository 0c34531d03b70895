/* PRIVATE to lib/stack/join: the activation of each run of Python frames. */
#ifndef STACK_JOIN_PLAN_H
#define STACK_JOIN_PLAN_H

#include "stack/join/join.h"

/* owner[r]: no native frame. */
enum { JOIN_NOWHERE = -1 };
struct join_plan {
	int64_t *owner;  /* one per run: index of the native frame that it belongs to, or JOIN_NOWHERE */
	int64_t *at;     /* one per run: the native frame after which it is printed, -1 before all */
	bool *unsure;    /* one per run: its owner is a guess */
	uint32_t *order; /* the runs in printing order */
	bool *bare;      /* one per native frame: a JOIN_BARE follows it */
	bool apart;      /* as in struct join */
	int64_t start;   /* the native frame after a JOIN_START; JOIN_NOWHERE: there is none */
};
/* Initialises *plan for in, with no run placed. False: out of memory. The caller frees it with
 * join_plan_free in any case. */
bool join_plan_init(struct join_plan *plan, const struct join_input *in);
void join_plan_free(struct join_plan *plan);

/* Fills the plan by the rules of in's loops. RES_FAIL: out of memory. */
enum res join_plan_make(const struct join_input *in, struct join_plan *plan, struct fault *f);

/* The steps: place runs by their markers (from 3.11 on), or by order. in has only the runs of the
 * runtime whose loop is given. RES_FAIL: out of memory. */
enum res join_by_markers(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f);
enum res join_by_order(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f);

/* Then, for both: the owner of each made run (py_frame.made) is the function that created it, if
 * found. */
enum res join_made(
    const struct join_input *in, const struct join_loop *loop, struct join_plan *plan, struct fault *f);

/* Then the owner of each run whose marker lies below or above the whole stack, if the stack was
 * walked to its end: by order and marked as unsure, from the oldest on, among activations in the
 * loop's code that no other run owns. */
void join_apart(const struct join_input *in, const struct join_loop *loop, struct join_plan *plan);

/* py_frame.instr of a frame that has not begun (≤ 3.10). */
#define JOIN_NOT_BEGUN UINT64_MAX

/* True if the frame replaces lost activations (created by the walk). */
static inline bool join_is_gap(const struct native_frame *fr)
{
	return fr->gap;
}

#endif
