/* PRIVATE to lib/python/tasks: frames of suspended greenlets. */
#ifndef PYTHON_GREENLET_CHAIN_H
#define PYTHON_GREENLET_CHAIN_H

#include "python/tasks/greenlet_reader.h"

/* Append the frames of a suspended greenlet to t. */
void greenlet_chain(struct greenlet_reader *g, const struct greenlet *of, struct py_task *t);

#endif
