/* Types of objects. A type is one of the interpreter's own if it is static, has that name and lies
 * in the interpreter's file, or if it was made from a specification that nobody can change. A type
 * that a program makes has neither mark, whatever its name.
 *
 * Words of a type object from tp_name on (Include/object.h, Include/cpython/object.h): */
#include "python/values/value_types.h"

#include <stdlib.h>

#include "base/owned.h"
#include "python/objects/py_dict.h"
#include "python/objects/py_text.h"
#include "python/values/value.h"
#include "python/values/value_entries.h"
#include "python/values/value_put.h"
#include "python/values/value_read.h"

enum {
	TP_NAME,
	TP_BASICSIZE,
	TP_ITEMSIZE,
	TP_FLAGS = 18,
	TP_MEMBERS = 27,
	TP_BASE = 29,
	TP_DICT = 30,
	TP_DICTOFFSET = 33,
	TP_WORDS
};

/* Bits of tp_flags. */
enum { IMMUTABLE_TYPE = 1 << 8, HEAP_TYPE = 1 << 9 };

enum { TYPES_MAX = 1 << 16, BASES_MAX = 64 };

/* Names of the interpreter's own types. since, until: versions that have it, the second one not. */
static const struct own_type {
	const char *name;
	enum value_kind kind;
	uint32_t since, until;
} own_types[] = {
	{ "NoneType", VALUE_NONE, 0, 0 },
	{ "ellipsis", VALUE_ELLIPSIS, 0, 0 },
	{ "NotImplementedType", VALUE_NOT_IMPLEMENTED, 0, 0 },
	{ "bool", VALUE_BOOL, 0, 0 },
	{ "int", VALUE_INT, PY_HEX(3, 0), 0 },
	{ "int", VALUE_INT_2, 0, PY_HEX(3, 0) },
	{ "long", VALUE_INT, 0, PY_HEX(3, 0) },
	{ "float", VALUE_FLOAT, 0, 0 },
	{ "complex", VALUE_COMPLEX, 0, 0 },
	{ "str", VALUE_STR, PY_HEX(3, 0), 0 },
	{ "str", VALUE_BYTES, 0, PY_HEX(3, 0) },
	{ "unicode", VALUE_STR, 0, PY_HEX(3, 0) },
	{ "bytes", VALUE_BYTES, PY_HEX(3, 0), 0 },
	{ "bytearray", VALUE_BYTEARRAY, 0, 0 },
	{ "list", VALUE_LIST, 0, 0 },
	{ "tuple", VALUE_TUPLE, 0, 0 },
	{ "dict", VALUE_DICT, 0, 0 },
	{ "frozendict", VALUE_FROZENDICT, PY_HEX(3, 15), 0 },
	{ "collections.defaultdict", VALUE_DEFAULTDICT, 0, 0 },
	{ "collections.OrderedDict", VALUE_ORDERED_DICT, 0, 0 },
	{ "dict_keys", VALUE_DICT_KEYS, PY_HEX(2, 7), 0 },
	{ "dict_values", VALUE_DICT_VALUES, PY_HEX(2, 7), 0 },
	{ "dict_items", VALUE_DICT_ITEMS, PY_HEX(2, 7), 0 },
	{ "set", VALUE_SET, 0, 0 },
	{ "frozenset", VALUE_FROZENSET, 0, 0 },
	{ "collections.deque", VALUE_DEQUE, 0, 0 },
	{ "range", VALUE_RANGE, PY_HEX(3, 0), 0 },
	{ "xrange", VALUE_XRANGE, 0, PY_HEX(3, 0) },
	{ "slice", VALUE_SLICE, 0, 0 },
	{ "types.SimpleNamespace", VALUE_NAMESPACE, PY_HEX(3, 3), 0 },
	{ "mappingproxy", VALUE_MAPPINGPROXY, PY_HEX(3, 3), 0 },
	{ "cell", VALUE_CELL, 0, 0 },
	{ "weakref", VALUE_WEAKREF, 0, 0 },
	{ "weakref.ReferenceType", VALUE_WEAKREF, 0, 0 },
	{ "function", VALUE_FUNCTION, 0, 0 },
	{ "method", VALUE_METHOD, PY_HEX(3, 0), 0 },
	{ "instancemethod", VALUE_METHOD, 0, PY_HEX(3, 0) },
	{ "builtin_function_or_method", VALUE_BUILTIN, 0, 0 },
	{ "module", VALUE_MODULE, 0, 0 },
	{ "code", VALUE_CODE, 0, 0 },
	{ "generator", VALUE_GENERATOR, 0, 0 },
	{ "coroutine", VALUE_GENERATOR, 0, 0 },
	{ "async_generator", VALUE_GENERATOR, 0, 0 },
	{ "type", VALUE_TYPE, 0, 0 },
	{ "BaseException", VALUE_EXCEPTION, 0, 0 },
	{ "exceptions.BaseException", VALUE_EXCEPTION, 0, 0 },
	{ "property", VALUE_OBJECT_AT, 0, 0 },
	{ "classobj", VALUE_OLD_CLASS, 0, PY_HEX(3, 0) },
	{ "instance", VALUE_OLD_INSTANCE, 0, PY_HEX(3, 0) },
	{ "numpy.ndarray", VALUE_NDARRAY, 0, 0 },
	{ "numpy.bool", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.bool_", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.int8", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.int16", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.int32", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.int64", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.longlong", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.uint8", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.uint16", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.uint32", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.uint64", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.ulonglong", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.float32", VALUE_NUMPY_SCALAR, 0, 0 },
	{ "numpy.float64", VALUE_NUMPY_SCALAR, 0, 0 },
};

static enum value_kind kind_of_name(const struct py_layout *l, const char *name)
{
	for (size_t i = 0; i < sizeof(own_types) / sizeof(own_types[0]); i++) {
		const struct own_type *own = &own_types[i];

		if (strcmp(own->name, name) == 0 && l->version >= own->since &&
		    (own->until == 0 || l->version < own->until))
			return own->kind;
	}
	return VALUE_OBJECT;
}

/* Member i in a copy of a type object from tp_name on. In 2.4 tp_basicsize and tp_itemsize are ints
 * in one word. */
static uint64_t type_member(const struct py_layout *l, const uint8_t *words, unsigned i)
{
	bool packed = l->size_width < l->word;
	size_t n = packed && (i == TP_BASICSIZE || i == TP_ITEMSIZE) ? 4 : l->word;
	size_t at = i * (size_t)l->word;
	uint64_t wide = 0;

	if (packed && i >= TP_ITEMSIZE)
		at -= i == TP_ITEMSIZE ? l->word / 2U : l->word;
	memcpy(&wide, words + at, n);
	return wide;
}

static bool read_type(struct py_values *v, uint64_t type, struct py_value_type *out)
{
	const struct py_layout *l = &v->rt->layout;
	uint8_t words[TP_WORDS * 8];

	if (!py_pointer_sane(type, l->word) || !value_read_word(v, type + l->object.type - 1, &out->meta) ||
	    !value_read(v, words, (size_t)TP_WORDS * l->word, type + l->type.name - 1))
		return false;
	out->addr = type;
	out->name = type_member(l, words, TP_NAME);
	out->basicsize = type_member(l, words, TP_BASICSIZE);
	out->itemsize = type_member(l, words, TP_ITEMSIZE);
	out->flags = type_member(l, words, TP_FLAGS);
	out->members = type_member(l, words, TP_MEMBERS);
	out->base = type_member(l, words, TP_BASE);
	out->dict = type_member(l, words, TP_DICT);
	out->dictoffset = type_member(l, words, TP_DICTOFFSET);
	out->heap = (out->flags & HEAP_TYPE) != 0;
	out->python = out->heap && (l->version < PY_HEX(3, 10) || (out->flags & IMMUTABLE_TYPE) == 0);
	return true;
}

/* Is it in the interpreter's file? */
static bool is_in_interpreter(const struct py_values *v, uint64_t addr)
{
	char path[4096];

	return v->rt->object != NULL && Pobjname(v->P, (uintptr_t)addr, path, sizeof(path)) != NULL &&
	       strcmp(path, v->rt->object) == 0;
}

/* A core without the interpreter's file lacks the names of types, which are constants. Some can be
 * told by bits of tp_flags, which those that derive from them have as well (2.6+,
 * Include/object.h). */
static enum value_kind kind_of_flags(struct py_values *v, const struct py_value_type *t)
{
	static const struct {
		uint8_t bit;
		enum value_kind kind;
	} bits[] = { { 24, VALUE_INT }, { 25, VALUE_LIST }, { 26, VALUE_TUPLE }, { 27, VALUE_BYTES },
		{ 28, VALUE_STR }, { 29, VALUE_DICT }, { 30, VALUE_EXCEPTION }, { 31, VALUE_TYPE } };
	struct py_value_type base;

	if (t->heap || t->base == 0 || !is_in_interpreter(v, t->addr) || !read_type(v, t->base, &base))
		return VALUE_OBJECT;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if ((t->flags >> bits[i].bit & 1) != 0 && (base.flags >> bits[i].bit & 1) == 0)
			return bits[i].kind;
	}
	return VALUE_OBJECT;
}

static enum value_kind own_kind(struct py_values *v, const struct py_value_type *t)
{
	char name[64];
	enum value_kind kind;

	if (t->python)
		return VALUE_OBJECT;
	if (!value_read_string(v, name, sizeof(name), t->name))
		return kind_of_flags(v, t);
	kind = kind_of_name(&v->rt->layout, name);
	if (kind != VALUE_OBJECT && strchr(name, '.') == NULL && !is_in_interpreter(v, t->addr))
		return VALUE_OBJECT;
	return kind;
}

/* Is the type at `meta` that of types: `type`, or derived from it? */
static bool is_metatype(struct py_values *v, uint64_t meta)
{
	for (unsigned i = 0; i < BASES_MAX && meta != 0; i++) {
		struct py_value_type t;
		char name[8];

		if (!read_type(v, meta, &t))
			return false;
		if (!t.heap && t.meta == meta &&
		    (!value_read_string(v, name, sizeof(name), t.name) || strcmp(name, "type") == 0))
			return true;
		meta = t.base;
	}
	return false;
}

/* Find the nearest base with a kind. */
static void find_builtin(struct py_values *v, struct py_value_type *t)
{
	struct py_value_type base = *t;

	for (unsigned i = 0; i < BASES_MAX; i++) {
		t->kind = own_kind(v, &base);
		if (t->kind != VALUE_OBJECT) {
			t->builtin = base.addr;
			return;
		}
		if (base.base == 0 || base.base == base.addr || !read_type(v, base.base, &base))
			return;
	}
}

const struct py_value_type *value_type_get(struct py_values *v, uint64_t type)
{
	OWNED(mem_release) struct py_value_type *t = NULL;
	uint32_t i;

	if (addrmap_get(&v->type_index, type, &i))
		return v->types.at[i];
	t = calloc(1, sizeof(*t));
	if (t == NULL || v->types.n >= TYPES_MAX || !read_type(v, type, t) || !is_metatype(v, t->meta))
		return NULL;
	find_builtin(v, t);
	if (!vec_push(&v->types, t))
		return NULL;
	if (!addrmap_put(&v->type_index, type, (uint32_t)v->types.n - 1)) {
		v->types.n--;
		return NULL;
	}
	return mem_keep(&t);
}

const struct py_value_type *value_type_of(struct py_values *v, uint64_t addr)
{
	const struct py_layout *l = &v->rt->layout;
	uint64_t type;

	if (!py_pointer_sane(addr, l->word) || !value_read_word(v, addr + l->object.type - 1, &type))
		return NULL;
	return value_type_get(v, type);
}

struct value_learned *value_learned_of(struct py_values *v, const struct py_value_type *t)
{
	uint32_t i;

	return addrmap_get(&v->type_index, t->addr, &i) ? &v->types.at[i]->learned : NULL;
}

void value_types_free(struct py_values *v)
{
	for (size_t i = 0; i < v->types.n; i++) {
		free(v->types.at[i]->learned.module);
		free(v->types.at[i]);
	}
	vec_free(&v->types);
	addrmap_free(&v->type_index);
}

/* The str that is the value of a key of the type's dict. RES_NONE: there is none. */
static enum res type_text(struct py_values *v, const struct py_value_type *t, const char *key,
    uint64_t *known, struct py_string *out)
{
	uint64_t value;
	enum res res = value_look_up(v, t->dict, key, known, &value);

	if (res != RES_OK)
		return res;
	return py_text_read(v->P, v->rt, value, out, NULL);
}

/* Where a type made at run time has ht_qualname (3.3+); 0: nowhere. Words from tp_name on, by
 * Include/object.h and Include/cpython/object.h. From 3.11 on it is in front of ht_cached_keys. */
static uint64_t qualname_at(const struct py_layout *l, uint64_t type)
{
	uint64_t words;

	if (l->more.cached_keys > l->word)
		return type + l->more.cached_keys - 1 - l->word;
	switch (l->version) {
	case PY_HEX(3, 3):
		words = 97;
		break;
	case PY_HEX(3, 4):
		words = 98;
		break;
	case PY_HEX(3, 5):
	case PY_HEX(3, 6):
	case PY_HEX(3, 7):
		words = 103;
		break;
	case PY_HEX(3, 9):
		words = 104;
		break;
	case PY_HEX(3, 8):
	case PY_HEX(3, 10):
		words = 105;
		break;
	default:
		return 0;
	}
	return type + l->type.name - 1 + words * l->word;
}

/* The qualified name of a type made at run time. */
static enum res type_qualname(struct py_values *v, const struct py_value_type *t, struct py_string *out)
{
	uint64_t at = qualname_at(&v->rt->layout, t->addr), text;

	if (!t->heap || at == 0 || !value_read_word(v, at, &text) || !value_charge(v, 256))
		return RES_NONE;
	return py_text_read(v->P, v->rt, text, out, NULL);
}

/* The module of a type made at run time, by its dict; "?" if that cannot be read. NULL: it has
 * none. */
static const char *module_of(struct py_values *v, const struct py_value_type *t)
{
	struct value_learned *learned = value_learned_of(v, t);
	struct py_string module;
	enum res res;

	if (!t->heap || learned == NULL)
		return NULL;
	if (learned->module == NULL && !learned->no_module) {
		res = type_text(v, t, "__module__", &v->key_module, &module);
		if (res == RES_OK)
			learned->module = module.text;
		else if (res == RES_FAIL)
			learned->module = strdup("?");
		learned->no_module = learned->module == NULL;
	}
	return learned->module;
}

/* Write the module of a type made at run time, and a dot. False: it has none. */
static bool put_module(struct value_writer *w, const struct py_value_type *t)
{
	const char *module = module_of(w->v, t);

	if (module == NULL)
		return false;
	if (strcmp(module, "builtins") != 0 && strcmp(module, "__builtin__") != 0) {
		value_put_name(w, module, strlen(module));
		value_put(w, ".");
	}
	return true;
}

void value_put_type(struct value_writer *w, const struct py_value_type *t)
{
	if (put_module(w, t))
		value_put_type_qualname(w, t);
	else
		value_put_tp_name(w, t);
}

void value_put_type_qualname(struct value_writer *w, const struct py_value_type *t)
{
	struct py_string name;

	if (type_qualname(w->v, t, &name) != RES_OK) {
		value_put_type_short(w, t);
		return;
	}
	value_put_name(w, name.text, name.n);
	free(name.text);
}

void value_put_tp_name(struct value_writer *w, const struct py_value_type *t)
{
	char its[256];

	if (value_read_string(w->v, its, sizeof(its), t->name))
		value_put_name(w, its, strlen(its));
	else
		value_put(w, "?");
}

void value_put_type_short(struct value_writer *w, const struct py_value_type *t)
{
	char its[256];
	const char *last;

	if (!value_read_string(w->v, its, sizeof(its), t->name)) {
		value_put(w, "?");
		return;
	}
	last = strrchr(its, '.');
	last = last == NULL ? its : last + 1;
	value_put_name(w, last, strlen(last));
}

bool value_is_enum(struct py_values *v, const struct py_value_type *t)
{
	const struct py_value_type *meta = value_type_get(v, t->meta);
	const char *module;
	char name[16];

	for (unsigned i = 0; i < BASES_MAX && meta != NULL && meta->heap; i++) {
		if (value_read_string(v, name, sizeof(name), meta->name) &&
		    (strcmp(name, "EnumType") == 0 || strcmp(name, "EnumMeta") == 0) &&
		    (module = module_of(v, meta)) != NULL && strcmp(module, "enum") == 0)
			return true;
		meta = meta->base == 0 ? NULL : value_type_get(v, meta->base);
	}
	return false;
}

void value_write_plain(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	value_put(w, "<");
	value_put_type(w, t);
	value_put_fmt(w, " at %#llx>", (unsigned long long)addr);
}
