/* PRIVATE to lib/python: the proof that a candidate is an interpreter. */
#ifndef PYTHON_PY_RUNTIME_CHECK_H
#define PYTHON_PY_RUNTIME_CHECK_H

#include "python/layout/py_layout.h"

/* Prove that the runtime at addr, read with layout l, leads to an interpreter with a thread state
 * that points back to it. RES_NONE: it has not started (no interpreter, or no thread state yet).
 * RES_FAIL: it leads to something else; f says what. */
enum res py_runtime_validate(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, struct fault *f);

#endif
