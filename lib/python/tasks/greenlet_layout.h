/* PRIVATE to lib/python/tasks: what greenlets consist of. */
#ifndef PYTHON_GREENLET_LAYOUT_H
#define PYTHON_GREENLET_LAYOUT_H

#include "python/tasks/greenlet_reader.h"

/* Find the type greenlet.greenlet. False: the interpreter has no greenlets, or those of an unknown
 * version, which is noted in out->lack. */
bool greenlet_type(struct greenlet_reader *g);

/* Read the greenlet at addr. False: it is gone, or (then it counts as bad) not as expected, or too
 * many were read. */
bool greenlet_read(struct greenlet_reader *g, uint64_t addr, struct greenlet *out);

#endif
