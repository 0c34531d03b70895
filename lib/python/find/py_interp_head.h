/* PRIVATE to lib/python: the pointer to the first interpreter where it is a static variable
 * (CPython ≤ 3.6). */
#ifndef PYTHON_PY_INTERP_HEAD_H
#define PYTHON_PY_INTERP_HEAD_H

#include "python/py_process.h"

/* Its address in the binary `object`, by the first of these ways that leads to an interpreter that
 * proves itself (py_runtime_validate):
 *   symbol interp_head         in .symtab only
 *   PyInterpreterState_Head    exported: its code holds the address
 *   _PyThreadState_Current     exported: the state of the thread that runs Python now has a
 *                              pointer to its interpreter, which serves as well; later
 *                              interpreters cannot be reached from it
 * RES_NONE: found, but there is no interpreter yet. RES_FAIL: not found. */
enum res py_head_find(
    struct ps_prochandle *P, const char *object, const struct py_layout *l, uint64_t *addr, struct fault *f);

#endif
