/* Joining the native and Python stacks of a thread: a function of arrays (up to 3.10 it also reads
 * words of activations).
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
	JOIN_NATIVE,   /* native.frames[index] */
	JOIN_PYTHON,   /* python.frames[index] */
	JOIN_GAP,      /* native.frames[index] stands for activations that could not be unwound */
	JOIN_UNPLACED, /* the Python frames that follow belong to no known activation */
	JOIN_BARE,     /* the native frame above runs the loop, but its Python frame is unknown */
	JOIN_ENDED,    /* the native frame above runs the loop, but its last Python frame has ended */
	JOIN_START     /* a greenlet's stack starts in the native frames below */
};

struct join_item {
	uint32_t index;
	uint8_t kind;
	bool unsure; /* placed by order, not by evidence: printed with a `?` */
};

struct join {
	VEC(struct join_item) items;
	bool unsure; /* some item is */
	bool start;  /* there is a JOIN_START */
	/* Markers of some runs lie on no stack: order places them, if the loop's code is known. */
	bool apart;
};

/* The evaluation loop of one runtime. */
struct join_loop {
	uint32_t runtime; /* py_run.runtime */
	enum py_marking marking;
	/* The loop's code: for PY_MARK_NONE, and for activations after a JOIN_START. */
	const struct py_range *eval;
	size_t n_eval;
	bool cframes; /* 3.10: join_input.python->cframes belong to it */
};

struct join_input {
	const struct native_stack *native;
	const struct py_stack *python; /* the runs of all runtimes, those of each in order */
	const struct join_loop *loops; /* one per runtime that has runs; if there is one, it owns all runs */
	size_t n_loops;
	/* Reads the word at a stack address, to verify pairs for PY_MARK_NONE. False:
	 * unreadable. */
	bool (*word)(void *data, uint64_t va, uint64_t *out);
	/* Finds the start of the function that contains pc. NULL: not available. False: unknown. */
	bool (*function)(void *data, uint64_t pc, uint64_t *start);
	/* True if the code at pc switches stacks: after the oldest Python frame of a greenlet it is
	 * the code that started it. NULL: not available. */
	bool (*switches)(void *data, uint64_t pc);
	void *data;
	const struct arch *arch; /* the target's */
};

/* Every native frame and every Python frame of the input appears exactly once in out, each kind in
 * its own order. RES_FAIL: out of memory. out must be empty. */
enum res stack_join(const struct join_input *in, struct join *out, struct fault *f);
void join_free(struct join *j);

/* True if any frame's position is uncertain, or an activation has no frames. */
bool join_is_uncertain(const struct join *j);

/* For join_input.function: data is a handle. */
bool join_function(void *data, uint64_t pc, uint64_t *start);

#endif
