/* PRIVATE to lib/python/values: the memory of the target, out of the budget of a value. */
#ifndef PYTHON_VALUE_READ_H
#define PYTHON_VALUE_READ_H

#include "python/values/value.h"

/* All n bytes at va, or false. */
bool value_read(struct py_values *v, void *buf, size_t n, uint64_t va);

/* A pointer, and a pointer to an object that may be NULL. */
bool value_read_word(struct py_values *v, uint64_t va, uint64_t *out);

/* A string of C, of fewer than n bytes. */
bool value_read_string(struct py_values *v, char *buf, size_t n, uint64_t va);

/* Count bytes that others read. False: the value's part of the budget is used up. */
bool value_charge(struct py_values *v, uint64_t n);

#endif
