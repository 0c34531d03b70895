/* Small objects that consist of a few others.
 *
 *   range (3.2+)     head, start, stop, step, length: ints; 3.0 and 3.1 without length
 *   xrange (2.x)     head, start, step, length: C longs
 *   slice            head, start, stop, step
 *   mappingproxy     head, mapping
 *   cell             head, content or NULL
 *   weakref          head, the object or None
 *   bytearray        head, ob_size, [3.4+: size of the memory, its address, start of the bytes]
 *                    [up to 3.3: an int, size of the memory, its address]
 *
 * Sources: Objects/{range,slice,descr}object.c,
 * Include/{cellobject,weakrefobject,bytearrayobject}.h, Include/cpython/. */
#include "python/values/value_parts.h"

#include "python/values/value.h"
#include "python/values/value_items.h"
#include "python/values/value_numbers.h"
#include "python/values/value_put.h"
#include "python/values/value_read.h"
#include "python/values/value_text.h"
#include "python/values/value_types.h"

/* Read n words after the head of the object at addr. */
static bool read_words(struct value_writer *w, uint64_t addr, uint64_t *out, unsigned n)
{
	const struct py_layout *l = value_layout(w);

	for (unsigned i = 0; i < n; i++) {
		if (!value_read_word(w->v, addr + py_head_size(l) + i * (uint64_t)l->word, &out[i]))
			return false;
	}
	return true;
}

void value_write_slice(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	uint64_t parts[3];

	if (!read_words(w, addr, parts, 3)) {
		value_put_unreadable(w, addr);
		return;
	}
	value_put_type_short(w, t);
	value_put(w, "(");
	for (unsigned i = 0; i < 3; i++) {
		value_put(w, i == 0 ? "" : ", ");
		value_write(w, parts[i]);
	}
	value_put(w, ")");
}

void value_write_range(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	uint64_t parts[3];

	if (!read_words(w, addr, parts, 3)) {
		value_put_unreadable(w, addr);
		return;
	}
	value_put_type_short(w, t);
	value_put(w, "(");
	value_write(w, parts[0]);
	value_put(w, ", ");
	value_write(w, parts[1]);
	if (!value_is_one(w->v, parts[2])) {
		value_put(w, ", ");
		value_write(w, parts[2]);
	}
	value_put(w, ")");
}

static long long as_long(const struct py_layout *l, uint64_t word)
{
	return l->word == 4 ? (int32_t)word : (long long)word;
}

void value_write_xrange(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	uint64_t parts[3];
	long long start, step, stop;

	(void)t;
	if (!read_words(w, addr, parts, 3)) {
		value_put_unreadable(w, addr);
		return;
	}
	start = as_long(l, parts[0]);
	step = as_long(l, parts[1]);
	stop = as_long(l, parts[0] + parts[1] * parts[2]);
	if (start == 0 && step == 1)
		value_put_fmt(w, "xrange(%lld)", stop);
	else if (step == 1)
		value_put_fmt(w, "xrange(%lld, %lld)", start, stop);
	else
		value_put_fmt(w, "xrange(%lld, %lld, %lld)", start, stop, step);
}

void value_write_mappingproxy(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	uint64_t mapping;

	if (!read_words(w, addr, &mapping, 1)) {
		value_put_unreadable(w, addr);
		return;
	}
	value_put_type_short(w, t);
	value_put(w, "(");
	if (value_enter(w, addr)) {
		value_write(w, mapping);
		value_leave(w);
	} else {
		value_put(w, "...");
	}
	value_put(w, ")");
}

void value_write_cell(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_value_type *its;
	uint64_t content;

	(void)t;
	if (!read_words(w, addr, &content, 1)) {
		value_put_unreadable(w, addr);
		return;
	}
	value_put_fmt(w, "<cell at %#llx: ", (unsigned long long)addr);
	its = content == 0 ? NULL : value_type_of(w->v, content);
	if (content == 0) {
		value_put(w, "empty>");
	} else if (its == NULL) {
		value_put_unreadable(w, content);
		value_put(w, ">");
	} else {
		value_put_tp_name(w, its);
		value_put_fmt(w, " object at %#llx>", (unsigned long long)content);
	}
}

void value_write_weakref(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_value_type *its;
	uint64_t object;

	(void)t;
	if (!read_words(w, addr, &object, 1)) {
		value_put_unreadable(w, addr);
		return;
	}
	value_put_fmt(w, "<weakref at %#llx; ", (unsigned long long)addr);
	its = value_type_of(w->v, object);
	if (its == NULL) {
		value_put_unreadable(w, object);
		value_put(w, ">");
	} else if (its->kind == VALUE_NONE) {
		value_put(w, "dead>");
	} else {
		value_put(w, "to '");
		value_put_tp_name(w, its);
		value_put_fmt(w, "' at %#llx>", (unsigned long long)object);
	}
}

void value_write_bytearray(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	/* CPython up to 3.14, Objects/bytearrayobject.c. */
	struct value_literal literal = { .prefix = "b", .single = value_is_before(w, 3, 15) };
	uint64_t size = 0, start = 0;

	(void)t;
	if (!value_read(w->v, &size, l->size_width, addr + py_head_size(l)) ||
	    !value_read_word(w->v, addr + py_var_head_size(l) + 2U * l->word, &start)) {
		value_put_unreadable(w, addr);
		return;
	}
	value_put_type_short(w, t);
	value_put(w, "(");
	value_put_bytes(w, start, size, &literal);
	value_put(w, ")");
}
