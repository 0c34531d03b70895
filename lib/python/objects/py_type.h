/* PRIVATE to lib/python: types of objects. py_is_frame_object is in python.h. */
#ifndef PYTHON_PY_TYPE_H
#define PYTHON_PY_TYPE_H

#include "python/py_process.h"

enum py_type_match {
	PY_TYPE_OTHER, /* its name is another */
	PY_TYPE_SAME,
	PY_TYPE_UNREAD, /* its name cannot be read */
};

/* Compare the name of the type object at `type` with `name`. *known is the address of that type: 0
 * while it is not known, set when it is learned. */
enum py_type_match py_type_match(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t type, const char *name, uint64_t *known);

/* True if that is PY_TYPE_SAME. */
bool py_type_is(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t type, const char *name, uint64_t *known);

#endif
