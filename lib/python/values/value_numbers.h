/* PRIVATE to lib/python/values: numbers. Each writer writes the object at addr, which has the
 * layout of that kind; t is its type. */
#ifndef PYTHON_VALUE_NUMBERS_H
#define PYTHON_VALUE_NUMBERS_H

#include "python/values/value.h"

void value_write_bool(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_int(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_int_2(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_float(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_complex(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

/* True if the int or bool at addr is 1. */
bool value_is_one(struct py_values *v, uint64_t addr);

/* Write a float of C as repr() does; single: one that was a C float. */
void value_put_double(struct value_writer *w, double d, bool single);

#endif
