/* PRIVATE to lib/python/values: what the writers of values share.
 *
 *   py_value_text ── value_write ─┬─ value_type_get   the object's type, and of which builtin one
 *                                 │                   its layout is
 *                                 └─ a writer of that kind, which calls value_write for each item
 *
 * Writers return nothing: what is wrong with an object is in the text. Each one stops early once
 * w->full is set. */
#ifndef PYTHON_VALUE_H
#define PYTHON_VALUE_H

#include "base/strbuf.h"
#include "python/objects/py_dict.h"
#include "python/py_memory.h"
#include "python/values/py_value.h"

/* Layouts of objects. */
enum value_kind {
	VALUE_OBJECT, /* of no type below: its type and attributes are all that is known */
	VALUE_NONE,
	VALUE_ELLIPSIS,
	VALUE_NOT_IMPLEMENTED,
	VALUE_BOOL,
	VALUE_INT,   /* any size: PyLongObject */
	VALUE_INT_2, /* a C long: PyIntObject of 2.x */
	VALUE_FLOAT,
	VALUE_COMPLEX,
	VALUE_STR,   /* characters: str, unicode of 2.x */
	VALUE_BYTES, /* bytes, str of 2.x */
	VALUE_BYTEARRAY,
	VALUE_LIST,
	VALUE_TUPLE,
	VALUE_DICT,
	VALUE_FROZENDICT,
	VALUE_DEFAULTDICT,
	VALUE_ORDERED_DICT,
	VALUE_DICT_KEYS,
	VALUE_DICT_VALUES,
	VALUE_DICT_ITEMS,
	VALUE_SET,
	VALUE_FROZENSET,
	VALUE_DEQUE,
	VALUE_RANGE,
	VALUE_XRANGE, /* of 2.x: of C longs */
	VALUE_SLICE,
	VALUE_MAPPINGPROXY,
	VALUE_NAMESPACE,
	VALUE_CELL,
	VALUE_WEAKREF,
	VALUE_FUNCTION,
	VALUE_METHOD,
	VALUE_BUILTIN,
	VALUE_MODULE,
	VALUE_CODE,
	VALUE_GENERATOR, /* and coroutines */
	VALUE_TYPE,
	VALUE_EXCEPTION,
	VALUE_OBJECT_AT, /* nothing is known of it, but that repr() is that of `object` */
	VALUE_OLD_CLASS, /* classes of 2.x that are no types, and their objects */
	VALUE_OLD_INSTANCE,
	VALUE_NDARRAY,
	VALUE_NUMPY_SCALAR,
	VALUE_KINDS
};

/* What was found out about a type when it was needed. */
struct value_learned {
	char *module;    /* owned; NULL: not known, or no_module */
	uint64_t fields; /* of a dataclass or a named tuple, an address; 0: not known, or no_fields */
	bool no_module, no_fields;
};

/* A type object. */
struct py_value_type {
	uint64_t addr;
	uint64_t builtin; /* the nearest of its bases, or itself, that has a kind; 0: none */
	enum value_kind kind;
	uint64_t meta, name, basicsize, itemsize, flags, base, dict, dictoffset, members; /* its members */
	bool heap;   /* made while the program ran, by a class statement or from a specification */
	bool python; /* made by a class statement */
	struct value_learned learned;
};

enum { VALUE_DEPTH_MAX = 64 };

struct value_writer {
	struct py_values *v;
	/* Write the object at addr, whatever it is: value_write. */
	void (*write)(struct value_writer *w, uint64_t addr);
	struct strbuf out;
	bool full;                        /* of bytes, or no more may be read: nothing more is written */
	uint32_t depth;                   /* of containers around this value */
	uint64_t around[VALUE_DEPTH_MAX]; /* their addresses */
	uint32_t objects;                 /* objects around this value whose attributes are written */
};

static inline const struct py_layout *value_layout(const struct value_writer *w)
{
	return &w->v->rt->layout;
}

static inline void value_write(struct value_writer *w, uint64_t addr)
{
	w->write(w, addr);
}

static inline bool value_is_before(const struct value_writer *w, unsigned major, unsigned minor)
{
	return value_layout(w)->version < PY_HEX(major, minor);
}

#endif
