/* PRIVATE to lib/python: types of objects. py_is_frame_object is in python.h. */
#ifndef PYTHON_PY_TYPE_H
#define PYTHON_PY_TYPE_H

#include "python/py_process.h"

/* True if the type object at `type` is named `name`. *known is the address of that type: 0 while it
 * is not known, set when it is learned. */
bool py_type_is(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t type, const char *name, uint64_t *known);

#endif
