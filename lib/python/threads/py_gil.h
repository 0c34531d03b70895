/* PRIVATE to lib/python: where the GIL of a runtime is. */
#ifndef PYTHON_PY_GIL_H
#define PYTHON_PY_GIL_H

#include "python/py_offsets.h"

struct py_runtime;

/* Describe it from what is known of the runtime. *out is all zeros where nothing is known, and of a
 * free-threaded build. Reads no memory of the target. */
void py_gil_describe(const struct py_runtime *rt, struct py_gil *out);

#endif
