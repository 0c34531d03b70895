/* PRIVATE to lib/python: values of the variables of tasks' frames. */
#ifndef PYTHON_TASK_LOCALS_H
#define PYTHON_TASK_LOCALS_H

#include "python/python.h"

/* Read the values of the variables of s, of level `level`, into s->locals. RES_FAIL: out of
 * memory. */
enum res task_read_locals(struct py_process *py, int level, struct py_stack *s, struct fault *f);

#endif
