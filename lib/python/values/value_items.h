/* PRIVATE to lib/python/values: lists, tuples, sets and deques; items of all containers. Each
 * writer writes the object at addr, which has the layout of that kind; t is its type. */
#ifndef PYTHON_VALUE_ITEMS_H
#define PYTHON_VALUE_ITEMS_H

#include "python/values/value.h"

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

/* Write a tuple. comma: with one after a single item. */
void value_put_tuple(struct value_writer *w, uint64_t addr, bool comma);

/* The number of items of a tuple; where the pointers to them are. */
bool value_tuple_size(struct value_writer *w, uint64_t addr, uint64_t *n);
uint64_t value_tuple_items(const struct py_layout *l, uint64_t addr);

#endif
