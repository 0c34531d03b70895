/* Types of objects. A type is one of the interpreter's own if it is static, has that name and lies
 * in the interpreter's file, or if it was made from a specification that nobody can change. A type
 * that a program makes has neither mark, whatever its name.
 *
 * Words of a type object from tp_name on (Include/object.h, Include/cpython/object.h): */
#include <stdlib.h>

#include "base/owned.h"
#include "python/objects/py_dict.h"
#include "python/objects/py_text.h"
#include "python/values/value.h"

enum {
	TP_NAME,
	TP_BASICSIZE,
	TP_ITEMSIZE,
	TP_REPR = 8,
	TP_FLAGS = 18,
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
static uint64_t member(const struct py_layout *l, const uint8_t *words, unsigned i)
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
	out->name = member(l, words, TP_NAME);
	out->basicsize = member(l, words, TP_BASICSIZE);
	out->itemsize = member(l, words, TP_ITEMSIZE);
	out->repr = member(l, words, TP_REPR);
	out->flags = member(l, words, TP_FLAGS);
	out->base = member(l, words, TP_BASE);
	out->dict = member(l, words, TP_DICT);
	out->dictoffset = member(l, words, TP_DICTOFFSET);
	out->heap = (out->flags & HEAP_TYPE) != 0;
	out->python = out->heap && (out->flags & IMMUTABLE_TYPE) == 0;
	return true;
}

/* Is it in the interpreter's file? */
static bool is_in_interpreter(const struct py_values *v, uint64_t addr)
{
	char path[4096];

	return v->rt->object != NULL && Pobjname(v->P, (uintptr_t)addr, path, sizeof(path)) != NULL &&
	       strcmp(path, v->rt->object) == 0;
}

static enum value_kind own_kind(struct py_values *v, const struct py_value_type *t)
{
	char name[64];
	enum value_kind kind;

	if (t->python || !value_read_string(v, name, sizeof(name), t->name))
		return VALUE_OBJECT;
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
		if (!t.heap && t.meta == meta && value_read_string(v, name, sizeof(name), t.name) &&
		    strcmp(name, "type") == 0)
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
	if (!addrmap_put(&v->type_index, type, (uint32_t)v->types.n) || !vec_push(&v->types, t))
		return NULL;
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

void value_types_free(struct py_values *v)
{
	for (size_t i = 0; i < v->types.n; i++)
		free(v->types.at[i]);
	vec_free(&v->types);
	addrmap_free(&v->type_index);
}

/* The str that is the value of a key of the type's dict. RES_NONE: there is none. */
static enum res type_text(struct py_values *v, const struct py_value_type *t, const char *key,
    uint64_t *known, struct py_string *out)
{
	uint64_t value;

	if (!value_find(v, t->dict, key, known, &value))
		return RES_NONE;
	return py_text_read(v->P, v->rt, value, out, NULL);
}

/* The qualified name of a type made by a class statement, 3.3 and later: ht_qualname. */
static enum res type_qualname(struct py_values *v, const struct py_value_type *t, struct py_string *out)
{
	const struct py_layout *l = &v->rt->layout;
	uint64_t text;

	if (!t->heap || l->more.cached_keys <= l->word ||
	    !value_read_word(v, t->addr + l->more.cached_keys - 1 - l->word, &text))
		return RES_NONE;
	return py_text_read(v->P, v->rt, text, out, NULL);
}

/* Write the module of a type made at run time, and a dot. False: it has none. */
static bool put_module(struct value_writer *w, const struct py_value_type *t)
{
	struct py_string module;

	if (!t->heap || type_text(w->v, t, "__module__", &w->v->key_module, &module) != RES_OK)
		return false;
	if (strcmp(module.text, "builtins") != 0 && strcmp(module.text, "__builtin__") != 0) {
		value_put_name(w, module.text, module.n);
		value_put(w, ".");
	}
	free(module.text);
	return true;
}

void value_put_type(struct value_writer *w, const struct py_value_type *t)
{
	bool has_module = put_module(w, t);
	struct py_string name;
	char its[256];

	if (type_qualname(w->v, t, &name) == RES_OK) {
		value_put_name(w, name.text, name.n);
		free(name.text);
	} else if (has_module) {
		value_put_type_short(w, t);
	} else if (value_read_string(w->v, its, sizeof(its), t->name)) {
		value_put_name(w, its, strlen(its));
	} else {
		value_put(w, "?");
	}
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
