/* PRIVATE to lib/python/values: objects with attributes, of classes. Each writer writes the
 * object at addr, which has the layout of that kind; t is its type. */
#ifndef PYTHON_VALUE_OBJECT_H
#define PYTHON_VALUE_OBJECT_H

#include "python/values/value.h"

void value_write_object(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_namespace(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_exception(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_old_class(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
void value_write_old_instance(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

/* False: its members are not what they should be, and nothing was written. */
bool value_write_enum(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
bool value_write_namedtuple(struct value_writer *w, uint64_t addr, const struct py_value_type *t);
bool value_write_structseq(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

/* Set *value to the attribute of that name of the object at addr. *known is as for py_dict_find. */
bool value_attribute(struct py_values *v, uint64_t addr, const char *name, uint64_t *known, uint64_t *value);

#endif
