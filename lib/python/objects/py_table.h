/* PRIVATE to lib/python: line tables. A long one takes more time than the rest of a stack, and is
 * immutable: it is read after the target runs again ("late"), once for all code objects that share
 * it. */
#ifndef PYTHON_PY_TABLE_H
#define PYTHON_PY_TABLE_H

#include "base/span.h"
#include "python/py_process.h"

enum {
	PY_TABLE_NOW = 16 << 10, /* bytes: up to this size it is read with the code object */
	PY_TABLE_HEAD = 64,
};

struct py_table {
	uint8_t *bytes; /* owned; NULL: unreadable, or late */
	size_t len;
	uint64_t late;               /* where its bytes are, if they are read later; else 0 */
	uint8_t head[PY_TABLE_HEAD]; /* with late: its first bytes, which identify it */
};

/* Read the table in the bytes object at addr; empty if it cannot be read. The caller frees it. */
struct py_table py_table_read(struct ps_prochandle *P, const struct py_layout *l, uint64_t addr);
void py_table_free(struct py_table *t);

/* Its bytes, valid until the next call with py. Empty: unreadable, or changed. The caller must
 * check afterwards that a late table is still that of its code object: then it was so during the
 * read. */
struct span py_table_bytes(struct py_process *py, const struct py_table *t);

#endif
