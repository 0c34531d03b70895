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

/* Size of the head of an object. Its members follow. */
static inline uint32_t value_head(const struct py_layout *l)
{
	return l->object.type - 1 + l->word;
}

/* The same for an object of varying size. */
static inline uint32_t value_var_head(const struct py_layout *l)
{
	return value_head(l) + l->word;
}

/* value_read.c: the memory of the target, out of the budget. */

/* All n bytes at va, or false. */
bool value_read(struct py_values *v, void *buf, size_t n, uint64_t va);
/* A pointer, and a pointer to an object that may be NULL. */
bool value_read_word(struct py_values *v, uint64_t va, uint64_t *out);
/* A string of C, of fewer than n bytes. */
bool value_read_string(struct py_values *v, char *buf, size_t n, uint64_t va);
/* Count bytes that others read. False: the value's part of the budget is used up. */
bool value_charge(struct py_values *v, uint64_t n);

/* value_put.c: the text. */

/* Add text that is one piece: it is truncated only at its end, and between characters. */
void value_put(struct value_writer *w, const char *text);
void value_put_n(struct value_writer *w, const char *text, size_t n);
void value_put_fmt(struct value_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Add text that is not truncated in the middle: all or nothing of it is written. */
void value_put_piece(struct value_writer *w, const char *text, size_t n);
/* Add such a piece, an escape: `\`, a letter, and c in hex digits. */
void value_put_escape(struct value_writer *w, char letter, int width, unsigned c);
/* Add `<unreadable at 0x…>`. */
void value_put_unreadable(struct value_writer *w, uint64_t addr);
/* Add a name of the target, UTF-8 of unknown origin. */
void value_put_name(struct value_writer *w, const char *text, size_t n);

/* value_entries.c: dicts. */

enum { VALUE_ORDER_MAX = 64 };
/* The entries of a dict, in the order of repr(). Those in use may be few, so they are looked for in
 * parts. */
struct value_entries {
	struct py_dict d; /* d.failed: an entry could not be read */
	uint32_t total;   /* entries, in use or not */
	uint8_t order[VALUE_ORDER_MAX];
	uint32_t ordered, at; /* with an order: the number of entries, and the next one */
};
/* Begin with the dict at addr, or with one that is open. False: it is none. */
bool value_entries_open(struct py_values *v, uint64_t addr, struct value_entries *out);
void value_entries_begin(struct py_values *v, const struct py_dict *d, struct value_entries *out);
void value_entries_rewind(struct value_entries *e); /* to the first one */
/* Go to the next entry in use. False: there is none, or no more may be read, or it cannot be read:
 * then e->d.failed is set. */
bool value_entries_next(struct py_values *v, struct value_entries *e, struct py_dict_entry *out);

/* Set *value to the value of a key, which is a str, in the dict at `dict`. *known is as for
 * py_dict_find. */
bool value_find(struct py_values *v, uint64_t dict, const char *key, uint64_t *known, uint64_t *value);

/* value_types.c */

/* The type at `type`; NULL: it is not a type, or cannot be read. Valid until py_values_end. */
const struct py_value_type *value_type_get(struct py_values *v, uint64_t type);
/* The type of the object at addr; NULL: as above. */
const struct py_value_type *value_type_of(struct py_values *v, uint64_t addr);
/* NULL: t is not of v. */
struct value_learned *value_learned_of(struct py_values *v, const struct py_value_type *t);
void value_types_free(struct py_values *v);
/* The type's `module.Type`, as repr() has it; its qualified name without the module; its last
 * part; tp_name. */
void value_put_type(struct value_writer *w, const struct py_value_type *t);
void value_put_type_qualname(struct value_writer *w, const struct py_value_type *t);
void value_put_type_short(struct value_writer *w, const struct py_value_type *t);
void value_put_tp_name(struct value_writer *w, const struct py_value_type *t);
/* True if t is the type of members of an enum. */
bool value_is_enum(struct py_values *v, const struct py_value_type *t);

/* Write `<module.Type at 0x…>`. */
void value_write_plain(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

/* Writers of kinds. The object at addr has the layout of that kind; t is its type. */

/* value_numbers.c */
void value_write_bool(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_int(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_int_2(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_float(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_complex(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
/* True if the int or bool at addr is 1. */
bool value_is_one(struct py_values *v, uint64_t addr);
/* Write a float of C as repr() does; single: one that was a C float. */
void value_put_double(struct value_writer *w, double d, bool single);

/* value_text.c */
void value_write_str(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_bytes(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
/* How bytes are written. */
struct value_literal {
	const char *prefix;
	bool single; /* single quotes are escaped in any case */
};
/* Write size bytes at `at` of the target as a literal. */
void value_put_bytes(struct value_writer *w, uint64_t at, uint64_t size, const struct value_literal *literal);
/* True if the object at addr is a str of these characters, which are ASCII. */
bool value_is_text(struct py_values *v, uint64_t addr, const char *text);
/* Bytes in a Py_UNICODE (up to 3.2); 0: unknown. */
unsigned value_char_width(struct py_values *v);

/* value_items.c */
void value_write_list(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_tuple(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_set(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_deque(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

/* Begin with the items of the container at addr. False: it is within itself, or too deep, and the
 * caller writes `...` instead of them. */
bool value_enter(struct value_writer *w, uint64_t addr);
void value_leave(struct value_writer *w); /* after value_enter that was true */
/* Begin with item i: write a comma. False: it is beyond the limit, and `...` is in its place. */
bool value_put_next(struct value_writer *w, uint64_t i);
/* Write a tuple. comma: with one behind a single item. */
void value_put_tuple(struct value_writer *w, uint64_t addr, bool comma);
/* The number of items of a tuple; where the pointers to them are. */
bool value_tuple_size(struct value_writer *w, uint64_t addr, uint64_t *n);
uint64_t value_tuple_items(const struct py_layout *l, uint64_t addr);

/* value_dict.c */
void value_write_dict(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_frozendict(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_defaultdict(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_ordered_dict(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_dict_view(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

enum value_part { VALUE_PART_ITEMS, VALUE_PART_KEYS, VALUE_PART_VALUES, VALUE_PART_PAIRS };
/* Write the dict at addr, or a list of a part of it. */
void value_put_dict(struct value_writer *w, uint64_t addr, enum value_part part);

/* value_parts.c */
void value_write_slice(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_range(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_xrange(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_mappingproxy(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_cell(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_weakref(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_bytearray(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

/* value_named.c */
void value_write_function(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_method(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_builtin(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_module(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_code(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_generator(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_type(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_object_at(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

/* value_object.c */
void value_write_object(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_namespace(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_exception(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_old_class(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_old_instance(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
/* False: its members are not what they should be, and nothing was written. */
bool value_write_enum(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
bool value_write_namedtuple(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
bool value_write_structseq(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
/* Set *value to the attribute of that name of the object at addr. *known is as for py_dict_find. */
bool value_attribute(struct py_values *v, uint64_t addr, const char *name, uint64_t *known, uint64_t *value);

/* value_numpy.c */
void value_write_ndarray(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_numpy_scalar(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

#endif
