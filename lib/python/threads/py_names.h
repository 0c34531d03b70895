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

/* Fill in those of `names`, each of which has a thread_id alone, that threading has in the
 * interpreter at `interp` of that runtime. Reads from P, which has the memory that py was found in.
 * What cannot be read, or is of an unknown layout, stays unknown. */
void py_names_read(
    struct py_process *py, struct ps_prochandle *P, uint32_t runtime, uint64_t interp, py_names *names);

void py_names_free(py_names *names);

#endif
