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
};

/* A type object. */
struct py_value_type {
	uint64_t addr;
	uint64_t builtin; /* the nearest of its bases, or itself, that has a kind; 0: none */
	enum value_kind kind;
	uint64_t meta, name, basicsize, itemsize, repr, flags, base, dict, dictoffset; /* its members */
	bool heap;   /* made while the program ran, by a class statement or from a specification */
	bool python; /* made by a class statement */
};

struct value_writer {
	struct py_values *v;
	struct strbuf out;
	bool full;           /* the limit of bytes is reached: nothing more is written */
	uint32_t depth;      /* of containers around this value */
	uint64_t around[64]; /* their addresses */
};

static inline const struct py_layout *value_layout(const struct value_writer *w)
{
	return &w->v->rt->layout;
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
/* Count bytes that were read by others. False: the budget is used up. */
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

/* value_types.c */

/* The type at `type`; NULL: it is not a type, or cannot be read. Valid until py_values_end. */
const struct py_value_type *value_type_get(struct py_values *v, uint64_t type);
/* The type of the object at addr; NULL: as above. */
const struct py_value_type *value_type_of(struct py_values *v, uint64_t addr);
void value_types_free(struct py_values *v);
/* The type's `module.Type`, as repr() has it. */
void value_put_type(struct value_writer *w, const struct py_value_type *t);
/* The last part of it. */
void value_put_type_short(struct value_writer *w, const struct py_value_type *t);

/* value_write.c */

/* Write the object at addr. */
void value_write(struct value_writer *w, uint64_t addr);
/* Write `<module.Type at 0x…>`, or as repr() has it if that is object's. */
void value_write_plain(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

/* Writers of kinds. The object at addr has the layout of that kind; t is its type. */

/* value_dict.c */

/* Set *value to the value of a key, which is a str, in the dict at `dict`. *known is as for
 * py_dict_find. */
bool value_find(struct py_values *v, uint64_t dict, const char *key, uint64_t *known, uint64_t *value);

/* value_numbers.c */
void value_write_bool(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_int(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_int_2(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_float(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_complex(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

/* value_text.c */
void value_write_str(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_bytes(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
/* Write size bytes at `at` of the target as the literal of bytes. */
void value_put_bytes(struct value_writer *w, uint64_t at, uint64_t size, const char *prefix);
/* Bytes in a Py_UNICODE (up to 3.2); 0: unknown. */
unsigned value_char_width(struct py_values *v);

#endif
