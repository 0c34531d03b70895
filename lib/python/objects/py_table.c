/* One late table is cached: this bounds memory, and code objects that share a table come in a
 * row. */
#include "python/objects/py_table.h"

#include <stdlib.h>

#include "python/objects/py_text.h"
#include "python/py_memory.h"

struct py_table py_table_read(struct ps_prochandle *P, const struct py_layout *l, uint64_t addr)
{
	struct py_table t = { .len = 0 };
	struct py_bytes now = { .n = 0 };
	uint64_t start, len;

	if (py_bytes_read(P, l, addr, PY_TABLE_NOW, &now) != RES_NONE) {
		t.bytes = now.at;
		t.len = now.n;
		return t;
	}
	if (py_bytes_where(P, l, addr, &start, &len) == RES_OK && len <= PY_TABLE_MAX &&
	    py_read(P, t.head, sizeof(t.head), start)) {
		t.late = start;
		t.len = (size_t)len;
	}
	return t;
}

void py_table_free(struct py_table *t)
{
	free(t->bytes);
	memset(t, 0, sizeof(*t));
}

struct span py_table_bytes(struct py_process *py, const struct py_table *t)
{
	struct py_late_table *kept = &py->late;

	if (t->late == 0)
		return span_of(t->bytes, t->bytes == NULL ? 0 : t->len);
	if (kept->generation != py->generation || kept->at != t->late || kept->len != t->len) {
		free(kept->bytes);
		*kept = (struct py_late_table){ t->late, t->len, py->generation, malloc(t->len) };
		if (kept->bytes == NULL || !py_read(py->later, kept->bytes, t->len, t->late))
			kept->at = 0;
	}
	if (kept->at == 0 || memcmp(kept->bytes, t->head, sizeof(t->head)) != 0)
		return span_of(NULL, 0);
	return span_of(kept->bytes, kept->len);
}
