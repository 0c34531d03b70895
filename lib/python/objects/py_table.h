/* PRIVATE to lib/python: line tables. A long one costs more than all else of a stack, and is immutable: it is read when the
 * target runs again, once for all code objects that share it. */
#ifndef PYTHON_PY_TABLE_H
#define PYTHON_PY_TABLE_H

#include "base/span.h"
#include "python/py_process.h"

enum {
	PY_TABLE_NOW = 16 << 10, /* bytes: up to this it is read with the code object */
	PY_TABLE_HEAD = 64,
};

struct py_table {
	uint8_t *bytes; /* owned; NULL: unreadable, or late */
	size_t len;
	uint64_t late;               /* where its bytes are, if they are to be read later; else 0 */
	uint8_t head[PY_TABLE_HEAD]; /* with late: the first of them, by which it is known again */
};

/* The table that is the bytes object at addr. Where it cannot be read it is empty. */
struct py_table py_table_read(struct ps_prochandle *P, const struct py_layout *l, uint64_t addr);
void py_table_free(struct py_table *t);

/* Its bytes, valid until the next call with py. Empty: they cannot be read, or are not those that were there. Whether a late one
 * is still that of a code object is to be asked after this: then it was so all the time. */
struct span py_table_bytes(struct py_process *py, const struct py_table *t);

#endif
