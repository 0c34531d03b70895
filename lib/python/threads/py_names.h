/* Names that Python's module threading gives to threads. */
#ifndef PYTHON_PY_NAMES_H
#define PYTHON_PY_NAMES_H

#include "python/python.h"

/* A thread by its thread_id (struct py_thread), and what threading knows of it. */
struct py_name {
	uint64_t thread_id;
	char *text; /* WTF-8, n bytes and a NUL, owned by the list; NULL: unknown */
	size_t n;
	bool daemon;
};
typedef VEC(struct py_name) py_names;

/* Where names are read from. */
struct py_names_source {
	struct ps_prochandle *P; /* has the memory that the py_process was found in */
	/* The process that P is a copy of; NULL: P is not a copy. Else fetch says that n bytes at
	 * va will be read, and with n 0, that they will be now. */
	struct ps_prochandle *live;
	void (*fetch)(void *data, uint64_t va, size_t n);
	void *data;
};

/* Complete the items of `names`, which have only a thread_id, by what threading knows of these
 * threads in the interpreter at `interp` of that runtime. Data that cannot be read, or whose layout
 * is not known, stays unknown. */
void py_names_read(struct py_process *py, const struct py_names_source *from, uint32_t runtime,
    uint64_t interp, py_names *names);

/* Free the list and its texts. */
void py_names_free(py_names *names);

#endif
