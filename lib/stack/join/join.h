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

/* The evaluation loop of one runtime. */
struct join_loop {
	uint32_t runtime; /* py_run.runtime */
	enum py_marking marking;
	/* Where its code lies: for PY_MARK_NONE, and for activations behind a JOIN_START. */
	const struct py_range *eval;
	size_t n_eval;
	bool cframes; /* 3.10: join_input.python->cframes are its */
};

struct join_input {
	const struct native_stack *native;
	const struct py_stack *python; /* the runs of all runtimes, those of each in their own order */
	const struct join_loop *loops; /* one per runtime that has runs; a single one has all runs */
	size_t n_loops;
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
void join_free(struct join *j);

/* Is there a frame that is placed by order alone, or not at all, or an activation without a frame? */
bool join_is_uncertain(const struct join *j);

/* join_input.function, data being a handle. */
bool join_function(void *data, uint64_t pc, uint64_t *start);

#endif
