/* Which writer writes an object. */
#include <stdlib.h>

#include "base/owned.h"
#include "python/values/value.h"
#include "python/values/value_dict.h"
#include "python/values/value_items.h"
#include "python/values/value_named.h"
#include "python/values/value_numbers.h"
#include "python/values/value_numpy.h"
#include "python/values/value_object.h"
#include "python/values/value_parts.h"
#include "python/values/value_put.h"
#include "python/values/value_text.h"
#include "python/values/value_types.h"

static void write_word(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	static const char *const words[] = { [VALUE_NONE] = "None",
		[VALUE_ELLIPSIS] = "Ellipsis",
		[VALUE_NOT_IMPLEMENTED] = "NotImplemented" };

	(void)addr;
	value_put(w, words[t->kind]);
}

/* wraps: the text of an instance of a derived class is in parentheses after the class. */
static const struct writer {
	void (*write)(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
	bool wraps;
} writers[VALUE_KINDS] = {
	[VALUE_OBJECT] = { value_write_object, false },
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
	[VALUE_BYTEARRAY] = { value_write_bytearray, false },
	[VALUE_LIST] = { value_write_list, true },
	[VALUE_TUPLE] = { value_write_tuple, true },
	[VALUE_DICT] = { value_write_dict, true },
	[VALUE_FROZENDICT] = { value_write_frozendict, false },
	[VALUE_DEFAULTDICT] = { value_write_defaultdict, false },
	[VALUE_ORDERED_DICT] = { value_write_ordered_dict, false },
	[VALUE_DICT_KEYS] = { value_write_dict_view, false },
	[VALUE_DICT_VALUES] = { value_write_dict_view, false },
	[VALUE_DICT_ITEMS] = { value_write_dict_view, false },
	[VALUE_SET] = { value_write_set, false },
	[VALUE_FROZENSET] = { value_write_set, false },
	[VALUE_DEQUE] = { value_write_deque, false },
	[VALUE_RANGE] = { value_write_range, false },
	[VALUE_XRANGE] = { value_write_xrange, false },
	[VALUE_SLICE] = { value_write_slice, false },
	[VALUE_NAMESPACE] = { value_write_namespace, false },
	[VALUE_MAPPINGPROXY] = { value_write_mappingproxy, false },
	[VALUE_CELL] = { value_write_cell, false },
	[VALUE_WEAKREF] = { value_write_weakref, false },
	[VALUE_FUNCTION] = { value_write_function, false },
	[VALUE_METHOD] = { value_write_method, false },
	[VALUE_BUILTIN] = { value_write_builtin, false },
	[VALUE_MODULE] = { value_write_module, false },
	[VALUE_CODE] = { value_write_code, false },
	[VALUE_GENERATOR] = { value_write_generator, false },
	[VALUE_TYPE] = { value_write_type, false },
	[VALUE_EXCEPTION] = { value_write_exception, false },
	[VALUE_OBJECT_AT] = { value_write_object_at, false },
	[VALUE_OLD_CLASS] = { value_write_old_class, false },
	[VALUE_OLD_INSTANCE] = { value_write_old_instance, false },
	[VALUE_NDARRAY] = { value_write_ndarray, false },
	[VALUE_NUMPY_SCALAR] = { value_write_numpy_scalar, false },
};

static void write_typed(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct writer *writer = &writers[t->kind];
	bool wrapped = writer->wraps && t->addr != t->builtin;

	if (t->heap && value_is_enum(w->v, t) && value_write_enum(w, addr, t))
		return;
	if (t->kind == VALUE_TUPLE && wrapped &&
	    (value_write_namedtuple(w, addr, t) || value_write_structseq(w, addr, t)))
		return;
	if (wrapped) {
		value_put_type_short(w, t);
		value_put(w, "(");
	}
	writer->write(w, addr, t);
	if (wrapped)
		value_put(w, ")");
}

static void write_value(struct value_writer *w, uint64_t addr)
{
	const struct py_value_type *t;

	if (w->full)
		return;
	/* An item that has not been filled in yet, or was emptied: like one that cannot be read, it
	 * looks the same while other objects come and go at that address. */
	if (addr == 0) {
		w->v->unreadable++;
		value_put(w, "<NULL>");
		return;
	}
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

/* Take a part of the budget for one value. */
static void take_budget(struct py_values *v)
{
	v->left = v->budget < PY_VALUE_BUDGET ? v->budget : PY_VALUE_BUDGET;
	v->budget -= v->left;
}

enum res py_value_text(struct py_values *v, uint64_t addr, char **out, size_t *len)
{
	struct value_writer w = { .v = v, .write = write_value };
	const struct py_value_type *t;

	if (v->budget == 0)
		return RES_NONE;
	take_budget(v);
	t = value_type_of(v, addr);
	if (t != NULL)
		write_typed(&w, addr, t);
	v->budget += v->left;
	if (t == NULL)
		return RES_FAIL;
	if (w.full)
		strbuf_str(&w.out, "...");
	if (w.out.failed || w.out.at == NULL) {
		strbuf_free(&w.out);
		return RES_FAIL;
	}
	*out = w.out.at;
	*len = w.out.n;
	return RES_OK;
}
