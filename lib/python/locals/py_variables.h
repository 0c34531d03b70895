/* PRIVATE to lib/python: the variables that a code object names, and where a frame has them. */
#ifndef PYTHON_PY_VARIABLES_H
#define PYTHON_PY_VARIABLES_H

#include "base/addrmap.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "python/py_process.h"

enum { PY_NO_SLOT = UINT32_MAX };

struct py_variable {
	size_t name, name_n; /* in py_variables.names */
	uint32_t slot;
	/* Up to 3.10: the slot of the cell that an argument of this name was moved to. Else
	 * PY_NO_SLOT. */
	uint32_t moved;
	bool cell;   /* the slot has a cell */
	bool hidden; /* 3.12+: of a comprehension that was inlined into a module or a class body */
};

/* Of one code object. */
struct py_variable_list {
	bool known; /* else its code object is not what was expected */
	bool cut;   /* it has more variables than the limit */
	/* The names are in slots of the frame; else in the dict that f_locals is, but for hidden
	 * ones. */
	bool optimized;
	uint32_t slots;      /* of variables, in all */
	size_t first, count; /* in py_variables.list */
};

struct py_variables {
	struct strbuf names;
	VEC(struct py_variable) list;
	VEC(struct py_variable_list) lists;
	struct addrmap of; /* py_frame.known → index in lists */
};

/* Free what *v has. */
void py_variables_free(struct py_variables *v);

/* The variables of the code that frame runs, `most` at most. They are read once. NULL: out of
 * memory. Valid until the next call. */
const struct py_variable_list *py_variables_of(struct py_variables *v, struct ps_prochandle *P,
    struct py_runtime *rt, const struct py_frame *frame, size_t most);

#endif
