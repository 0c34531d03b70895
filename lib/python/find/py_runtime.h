/* PRIVATE to lib/python: finding the interpreters of a process. */
#ifndef PYTHON_PY_RUNTIME_H
#define PYTHON_PY_RUNTIME_H

#include "python/py_process.h"

/* Find the runtimes of py->P into py->runtimes. Results as of py_process_create. early: those that
 * have not started as well. */
enum res py_runtime_find(struct py_process *py, bool early, struct fault *f);

#endif
