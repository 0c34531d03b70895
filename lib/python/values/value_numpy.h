/* PRIVATE to lib/python/values: arrays and scalars of NumPy. Each writer writes the object at
 * addr, which has the layout of that kind; t is its type. */
#ifndef PYTHON_VALUE_NUMPY_H
#define PYTHON_VALUE_NUMPY_H

#include "python/values/value.h"

void value_write_ndarray(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_numpy_scalar(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

#endif
