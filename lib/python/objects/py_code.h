/* PRIVATE to lib/python: the cache of code objects. py_code_get is in python.h. */
#ifndef PYTHON_PY_CODE_H
#define PYTHON_PY_CODE_H

#include "python/py_process.h"

/* Find the code object of a frame: read it, or prove that it has not changed since it was read.
 * Sets frame->known, and reads the start of the frame's copy of its bytecode. RES_FAIL: it is not a
 * code object that can be decoded. running: the frame's thread runs, so data that is read now
 * serves this frame only; the next frame of the code object reads it again. */
enum res py_code_load(
    struct py_process *py, struct py_runtime *rt, struct py_frame *frame, bool running, struct fault *f);

/* Set line and hidden of a frame. Reads no memory of the target but late line tables. */
void py_code_resolve(struct py_process *py, const struct py_layout *l, struct py_frame *frame);

/* Reuse the entries of code objects that others have replaced: no frame refers to them any more. */
void py_codes_recycle(struct py_process *py);
/* Free all entries. */
void py_codes_free(struct py_process *py);

#endif
