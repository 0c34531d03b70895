/* PRIVATE to lib/python: the frames of a thread, of 3.12 and later. */
#ifndef PYTHON_PY_FRAMES_ENTRY_H
#define PYTHON_PY_FRAMES_ENTRY_H

#include "python/frames/py_walk.h"

/* Walk the chain of w->thread, whose state is copied in tstate, into w->out, which may be broken
 * afterwards. RES_FAIL: out of memory, or the thread state leads to no chain; *w->f says which. */
enum res py_frames_entry(struct py_walk *w, const struct py_view *tstate);

#endif
