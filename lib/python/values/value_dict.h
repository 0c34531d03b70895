/* PRIVATE to lib/python/values: dicts. Each writer writes the object at addr, which has the
 * layout of that kind; t is its type. */
#ifndef PYTHON_VALUE_DICT_H
#define PYTHON_VALUE_DICT_H

#include "python/values/value.h"

void value_write_dict(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_frozendict(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_defaultdict(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_ordered_dict(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_dict_view(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
enum value_part { VALUE_PART_ITEMS, VALUE_PART_KEYS, VALUE_PART_VALUES, VALUE_PART_PAIRS };

/* Write the dict at addr, or a list of a part of it. */
void value_put_dict(struct value_writer *w, uint64_t addr, enum value_part part);

#endif
