/* PRIVATE to lib/python: a walk along a chain of frames, as all families of versions make it.
 *
 *   while (at != 0)
 *           py_walk_to_frame(w, at)     w->last is a copy of the frame
 *           py_walk_push(w, at)         append it to w->out
 *           py_walk_end_run(w, …)       where an activation ends
 *           at = …                      its link, from w->last
 *
 * Functions that return false end the walk: w->out->broken says that the chain is broken, or w->res
 * is RES_FAIL (out of memory; *w->f is set). */
#ifndef PYTHON_PY_WALK_H
#define PYTHON_PY_WALK_H

#include "python/py_memory.h"
#include "python/py_process.h"

struct py_walk {
	struct py_process *py;
	struct py_runtime *rt;
	const struct py_thread *thread;
	struct py_stack *out;
	struct fault *f;
	uint8_t *bytes;      /* of last; PY_STRUCT_MAX, the caller's */
	struct py_view last; /* the frame reached last; n is 0 before the first */
	bool running;        /* the thread runs: see py_code_load */
	bool found;          /* frames are appended as found (py_stack_recover) */
	unsigned bad_run;    /* frames in a row without a code object */
	enum res res;
};

/* Mark the chain as broken. Only the first reason is kept. */
void py_stack_break(struct py_stack *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Step to `addr`. False: it is not an address, was visited before, or is beyond the limit. */
bool py_walk_step(struct py_walk *w, uint64_t addr);

/* Step to the frame at `addr`, and copy it to w->last. False also if it cannot be read. */
bool py_walk_to_frame(struct py_walk *w, uint64_t addr);

/* Decode w->last, the frame at `addr`, read its code object, and append it to w->out. False also
 * after too many frames in a row without a code object. */
bool py_walk_push(struct py_walk *w, uint64_t addr);

/* Append the run of the frames from `first` on, with its marker (0: none). Frames in front that are
 * `made` get a run each: they were made by a call out of the activation. Nothing is appended for an
 * empty run without a marker. */
bool py_walk_end_run(struct py_walk *w, uint64_t marker, size_t first);

/* Drop all frames and runs: they belong to an activation that is being entered. The walk from the
 * next activation on may miss some frames: entering and broken say so. */
void py_walk_restart(struct py_walk *w);

/* The number of frames up to the last one of the youngest activation that has a marker. All frames,
 * if no run has a marker. */
size_t py_stack_youngest(const struct py_stack *s);

/* 3.11 and 3.12 link an activation's C frame to the thread before they initialise it (gcc stores
 * both of its pointers last). For some instructions it holds old stack contents, often a frame that
 * has returned. True if the first `count` frames of w->out can be those of the youngest activation.
 * joins: they lead to the next activation's frames. */
bool py_walk_is_entered(struct py_walk *w, const struct py_view *tstate, size_t count, bool joins);

#endif
