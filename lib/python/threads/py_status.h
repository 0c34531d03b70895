/* The state of an interpreter when a thread is read: the holder of its GIL, garbage collection. */
#ifndef PYTHON_PY_STATUS_H
#define PYTHON_PY_STATUS_H

#include "python/python.h"

enum py_attachment { PY_ATTACHMENT_UNKNOWN, PY_DETACHED, PY_ATTACHED, PY_SUSPENDED };

/* 0 and false also mean that it is unknown. */
struct py_status {
	uint64_t holder;               /* the thread state that holds the GIL; 0: none */
	uint64_t gil_lo, gil_hi;       /* where threads wait for it */
	uint64_t holder_at;            /* where `holder` is; 0: unknown */
	uint64_t locked_at;            /* the i32 that is 1 if it counts; 0: it does always */
	bool collecting;               /* some thread of the interpreter collects garbage */
	bool collecting_here;          /* with collecting_known: t does */
	bool collecting_known;         /* it is known which one does */
	bool finalizing;               /* t ends the runtime */
	enum py_attachment attachment; /* of t, in a free-threaded build */
};

/* Read the status of t's interpreter, and t's. s: t's frames, NULL: unknown. */
void py_status_read(
    struct py_process *py, const struct py_thread *t, const struct py_stack *s, struct py_status *out);

enum { PY_STATUS_PLACES = 4 };
/* The addresses at which py_status_read will read for t, so that they are read with others.
 * holder_at: that of the same interpreter; 0: unknown. Reads nothing. Returns their number. */
size_t py_status_places(const struct py_process *py, const struct py_thread *t, uint64_t holder_at,
    uint64_t out[PY_STATUS_PLACES]);

#endif
