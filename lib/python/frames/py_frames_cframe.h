/* PRIVATE to lib/python: the frames of a thread, of 3.11. */
#ifndef PYTHON_PY_FRAMES_CFRAME_H
#define PYTHON_PY_FRAMES_CFRAME_H

#include "python/frames/py_walk.h"

/* Walk the chains of w->thread, whose state is copied in tstate, into w->out, which may be broken
 * afterwards. RES_FAIL: out of memory. */
enum res py_frames_cframe(struct py_walk *w, const struct py_view *tstate);

#endif
