/* PRIVATE to lib/python: the frames of a thread, up to 3.10. */
#ifndef PYTHON_PY_FRAMES_OBJECT_H
#define PYTHON_PY_FRAMES_OBJECT_H

#include "python/frames/py_walk.h"

/* Walk all chains of w->thread, whose state is copied in tstate, into w->out, which may be broken
 * afterwards. RES_FAIL: out of memory. */
enum res py_frames_object(struct py_walk *w, const struct py_view *tstate);

/* Append the frame at `at` and those its links lead to, with their runs. Results as above. */
enum res py_frames_links(struct py_walk *w, uint64_t at);

#endif
