/* PRIVATE to lib/python/values: objects that are written by their name, such as functions. Each
 * writer writes the object at addr, which has the layout of that kind; t is its type. */
#ifndef PYTHON_VALUE_NAMED_H
#define PYTHON_VALUE_NAMED_H

#include "python/values/value.h"

void value_write_function(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_method(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_builtin(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_module(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_code(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_generator(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_type(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_object_at(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

#endif
