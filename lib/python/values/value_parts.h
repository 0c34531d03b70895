/* PRIVATE to lib/python/values: objects that consist of a few parts, such as slices and ranges.
 * Each writer writes the object at addr, which has the layout of that kind; t is its type. */
#ifndef PYTHON_VALUE_PARTS_H
#define PYTHON_VALUE_PARTS_H

#include "python/values/value.h"

void value_write_slice(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_range(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_xrange(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_mappingproxy(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_cell(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_weakref(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_bytearray(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

#endif
