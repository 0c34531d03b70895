/* Joining the two stacks of a thread: a pure function on arrays (plus, for ≤ 3.10, a way to look at the
 * words of an activation).
 *
 *   native, youngest first           python runs, youngest first
 *   ┌──────────────┐ low
 *   │ poll         │
 *   │ EvalFrame  ──┼── [sp, cfa) holds marker of run 0  ──> its frames follow it
 *   │ map_next     │
 *   │ EvalFrame  ──┼── … run 1
 *   └──────────────┘ high */
#ifndef STACK_JOIN_H
#define STACK_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/vec.h"
#include "python/python.h"
#include "unwind/unwind.h"

enum join_kind {
	JOIN_NATIVE, /* native.frames[index] */
	JOIN_PYTHON, /* python.frames[index] */
	JOIN_GAP,    /* native.frames[index] stands for activations that could not be unwound */
	JOIN_LOOSE,  /* the Python frames that follow belong to no activation that was found */
	JOIN_BARE    /* the native frame above runs the loop, and no Python frame is known for it */
};

struct join_item {
	uint32_t index;
	uint8_t kind;
	bool unsure; /* placed by order, not anchored: printed with a `?` */
};

struct join {
	VEC(struct join_item) items;
	bool unsure; /* some item is */
};

struct join_input {
	const struct native_stack *native;
	const struct py_stack *python;
	enum py_marking marking;
	/* For PY_MARK_NONE: where the evaluation loop's code lies. */
	const struct py_range *eval;
	size_t n_eval;
	/* The word at a stack address, for PY_MARK_NONE's verification. False: unreadable. */
	bool (*word)(void *data, uint64_t va, uint64_t *out);
	void *data;
};

/* Every native frame and every Python frame of the input appears exactly once in out, each kind in its
 * own order. RES_FAIL: out of memory. out must be empty. */
enum res stack_join(const struct join_input *in, struct join *out, struct fault *f);
void join_free(struct join *j);

/* --- the two ways, for stack_join only --- */

/* owner[r] = index of the native frame that run r belongs to, or JOIN_NOWHERE. */
enum { JOIN_NOWHERE = -1 };
struct join_plan {
	int64_t *owner; /* one per run */
	bool *unsure;   /* one per run */
	bool *bare;     /* one per native frame: a JOIN_BARE follows it */
};
enum res join_by_markers(const struct join_input *in, struct join_plan *plan, struct fault *f);
enum res join_by_order(const struct join_input *in, struct join_plan *plan, struct fault *f);

/* Is this frame a stand-in for lost activations (made by the walk)? */
static inline bool join_is_gap(const struct native_frame *fr)
{
	return fr->pc == 0;
}

#endif
