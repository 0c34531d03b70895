/* Which writer writes an object. */
#include <stdlib.h>

#include "base/owned.h"
#include "python/values/value.h"

static void write_word(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	static const char *const words[] = { [VALUE_NONE] = "None",
		[VALUE_ELLIPSIS] = "Ellipsis",
		[VALUE_NOT_IMPLEMENTED] = "NotImplemented" };

	(void)addr;
	value_put(w, words[t->kind]);
}

void value_write_plain(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	value_put(w, "<");
	value_put_type(w, t);
	value_put_fmt(w, " at %#llx>", (unsigned long long)addr);
}

/* wraps: the text of an instance of a derived class is in parentheses behind the class. */
static const struct writer {
	void (*write)(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
	bool wraps;
} writers[] = {
	[VALUE_OBJECT] = { value_write_plain, false },
	[VALUE_NONE] = { write_word, false },
	[VALUE_ELLIPSIS] = { write_word, false },
	[VALUE_NOT_IMPLEMENTED] = { write_word, false },
	[VALUE_BOOL] = { value_write_bool, false },
	[VALUE_INT] = { value_write_int, true },
	[VALUE_INT_2] = { value_write_int_2, true },
	[VALUE_FLOAT] = { value_write_float, true },
	[VALUE_COMPLEX] = { value_write_complex, true },
	[VALUE_STR] = { value_write_str, true },
	[VALUE_BYTES] = { value_write_bytes, true },
};

static void write_typed(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct writer *writer = &writers[t->kind];
	bool wrapped = writer->wraps && t->addr != t->builtin;

	if (wrapped) {
		value_put_type_short(w, t);
		value_put(w, "(");
	}
	writer->write(w, addr, t);
	if (wrapped)
		value_put(w, ")");
}

void value_write(struct value_writer *w, uint64_t addr)
{
	const struct py_value_type *t;

	if (w->full)
		return;
	t = value_type_of(w->v, addr);
	if (t == NULL)
		value_put_unreadable(w, addr);
	else
		write_typed(w, addr, t);
}

void py_values_begin(
    struct py_values *v, struct ps_prochandle *P, struct py_runtime *rt, struct py_value_limits limits)
{
	*v = (struct py_values){ .P = P, .rt = rt, .limits = limits, .budget = PY_VALUES_BUDGET };
}

void py_values_end(struct py_values *v)
{
	value_types_free(v);
}

enum res py_value_text(struct py_values *v, uint64_t addr, char **out, size_t *len)
{
	struct value_writer w = { .v = v };
	const struct py_value_type *t;

	if (v->budget == 0)
		return RES_NONE;
	t = value_type_of(v, addr);
	if (t == NULL)
		return v->budget == 0 ? RES_NONE : RES_FAIL;
	write_typed(&w, addr, t);
	if (w.full || v->budget == 0)
		strbuf_str(&w.out, "...");
	if (w.out.failed || w.out.at == NULL) {
		strbuf_free(&w.out);
		return RES_FAIL;
	}
	*out = w.out.at;
	*len = w.out.n;
	return RES_OK;
}
