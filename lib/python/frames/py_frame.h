/* PRIVATE to lib/python: one frame. py_frame_at is in python.h. */
#ifndef PYTHON_PY_FRAME_H
#define PYTHON_PY_FRAME_H

#include "python/py_memory.h"
#include "python/py_process.h"

/* Values of `owner` (CPython Include/internal/pycore_frame.h, enum _frameowner). */
enum {
	PY_OWNED_BY_THREAD = 0,
	PY_OWNED_BY_GENERATOR = 1,
	PY_OWNED_BY_OBJECT = 2, /* its PyFrameObject: the loop does not run it */
	PY_OWNED_BY_CSTACK = 3, /* 3.12+: an entry frame; 3.14 has both 3 and 4 for such */
	PY_OWNER_LAST = 4
};

/* Decode a copy of a frame of any version; out->addr is the caller's. Not for entry frames, of
 * which next to nothing is initialised. youngest: the frame has called no other. */
void py_frame_decode(const struct py_layout *l, const struct py_view *v, bool youngest, struct py_frame *out);

/* Add what the PyFrameObject of the frame says, if there is one: lineno, object, made. v: the copy
 * that py_frame_decode was given. False: it cannot be read, or its type cannot, and so the frame is
 * taken for one that the evaluation loop runs. */
bool py_frame_read_object(
    struct py_process *py, struct py_runtime *rt, const struct py_view *v, struct py_frame *out);

/* True if this is the frame of a suspended generator that delegates to another (3.9, 3.10; other
 * layouts do not have its state). Its value stack must confirm it. *values_end: the end of that
 * stack. */
bool py_frame_delegates(const struct py_layout *l, const struct py_view *v, uint64_t *values_end);

#endif
