/* PRIVATE to lib/python/values: strings and bytes. Each writer writes the object at addr, which
 * has the layout of that kind; t is its type. */
#ifndef PYTHON_VALUE_TEXT_H
#define PYTHON_VALUE_TEXT_H

#include "python/values/value.h"

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

#endif
