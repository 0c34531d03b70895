/* PRIVATE to lib/python/values: types of objects, and their names. */
#ifndef PYTHON_VALUE_TYPES_H
#define PYTHON_VALUE_TYPES_H

#include "python/values/value.h"

/* The type at `type`; NULL: it is not a type, or cannot be read. Valid until py_values_end. */
const struct py_value_type *value_type_get(struct py_values *v, uint64_t type);

/* The type of the object at addr; NULL: as above. */
const struct py_value_type *value_type_of(struct py_values *v, uint64_t addr);

/* What was learned about type t, to be completed by the caller. NULL: t is not of v. */
struct value_learned *value_learned_of(struct py_values *v, const struct py_value_type *t);

/* Free all types of v. */
void value_types_free(struct py_values *v);

/* Add the type's `module.Type`, as repr() has it; its qualified name without the module; the last
 * part of that; its tp_name. */
void value_put_type(struct value_writer *w, const struct py_value_type *t);
void value_put_type_qualname(struct value_writer *w, const struct py_value_type *t);
void value_put_type_short(struct value_writer *w, const struct py_value_type *t);
void value_put_tp_name(struct value_writer *w, const struct py_value_type *t);

/* True if t is the type of members of an enum. */
bool value_is_enum(struct py_values *v, const struct py_value_type *t);

/* Write `<module.Type at 0x…>`. */
void value_write_plain(struct value_writer *w, uint64_t addr, const struct py_value_type *t);

#endif
