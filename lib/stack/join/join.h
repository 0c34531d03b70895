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
	JOIN_BARE,   /* the native frame above runs the loop, and no Python frame is known for it */
	JOIN_ENDED,  /* the native frame above runs the loop, whose last Python frame has ended */
	JOIN_START   /* a greenlet's stack starts in the native frames below */
};

struct join_item {
	uint32_t index;
	uint8_t kind;
	bool unsure; /* placed by order, not anchored: printed with a `?` */
};

struct join {
	VEC(struct join_item) items;
	bool unsure; /* some item is */
	bool start;  /* there is a JOIN_START */
	bool
	    apart; /* some Python frames' markers lie on no stack: only order places them, where the loop's code is known */
};

struct join_input {
	const struct native_stack *native;
	const struct py_stack *python;
	enum py_marking marking;
	/* Where the evaluation loop's code lies: for PY_MARK_NONE, and for activations behind a JOIN_START. */
	const struct py_range *eval;
	size_t n_eval;
	/* The word at a stack address, for PY_MARK_NONE's verification. False: unreadable. */
	bool (*word)(void *data, uint64_t va, uint64_t *out);
	/* Where the function begins that holds pc. NULL: nobody knows. False: it is not known. */
	bool (*function)(void *data, uint64_t pc, uint64_t *start);
	/* Does this code switch stacks? Behind the oldest Python frame of a greenlet it is what began it. NULL: none does. */
	bool (*switches)(void *data, uint64_t pc);
	void *data;
	bool narrow; /* words of 4 bytes, else of 8 */
};

/* Every native frame and every Python frame of the input appears exactly once in out, each kind in its
 * own order. RES_FAIL: out of memory. out must be empty. */
enum res stack_join(const struct join_input *in, struct join *out, struct fault *f);

/* The same for a thread that runs several Pythons: in->python has the runs of all, those of each in their own order;
 * in's marking and eval do not count. */
struct join_loop {
	uint32_t runtime; /* py_run.runtime */
	enum py_marking marking;
	const struct py_range *eval;
	size_t n_eval;
	bool cframes; /* 3.10: in->python->cframes are its */
};
enum res stack_join_loops(
    const struct join_input *in, const struct join_loop *loops, size_t n, struct join *out, struct fault *f);
void join_free(struct join *j);

/* Is there a frame that is placed by order alone, or not at all, or an activation without a frame? */
bool join_is_uncertain(const struct join *j);

/* --- the two ways, for stack_join only --- */

/* owner[r] = index of the native frame that run r belongs to, or JOIN_NOWHERE. */
enum { JOIN_NOWHERE = -1 };
struct join_plan {
	int64_t *owner; /* one per run */
	int64_t *at;    /* one per run: the native frame it is printed behind, -1 before all; of stack_join */
	bool *unsure;   /* one per run */
	bool *bare;     /* one per native frame: a JOIN_BARE follows it */
	bool apart;     /* as in struct join */
	int64_t start;  /* the native frame behind a JOIN_START, JOIN_NOWHERE: there is none; of stack_join */
};
enum res join_by_markers(const struct join_input *in, struct join_plan *plan, struct fault *f);
enum res join_by_order(const struct join_input *in, struct join_plan *plan, struct fault *f);

/* Then, for either: the owner of each run that is made (py_frame.made) is the function that made it, where that is to be
 * found. RES_FAIL: out of memory. */
enum res join_made(const struct join_input *in, struct join_plan *plan, struct fault *f);

/* Then the owner of each run whose marker lies below or above all of the stack, which was walked to its end: by order, unsure, from the
 * oldest on, among activations in the code of the loop that no other run owns. */
void join_apart(const struct join_input *in, struct join_plan *plan);

/* join_input.function, data being a handle. */
bool join_function(void *data, uint64_t pc, uint64_t *start);

/* py_frame.instr of a frame that has not begun (≤ 3.10). */
#define JOIN_NOT_BEGUN UINT64_MAX

/* Is run r, which has no activation, a frame that none runs? One that has not begun has none either, or pretends it. */
bool join_is_made(const struct join_input *in, size_t r);

/* Does the frame stand in code of the evaluation loop? */
bool join_in_loop(const struct join_input *in, const struct native_frame *fr);

/* Is this frame a stand-in for lost activations (made by the walk)? */
static inline bool join_is_gap(const struct native_frame *fr)
{
	return fr->gap;
}

#endif
