/* PRIVATE to lib/python/values: entries of dicts. */
#ifndef PYTHON_VALUE_ENTRIES_H
#define PYTHON_VALUE_ENTRIES_H

#include "python/values/value.h"

enum { VALUE_ORDER_MAX = 64 };

/* The entries of a dict, in the order of repr(). Those in use may be few, so they are looked for in
 * parts. */
struct value_entries {
	struct py_dict d; /* d.failed: an entry could not be read */
	uint32_t total;   /* entries, in use or not */
	uint8_t order[VALUE_ORDER_MAX];
	uint32_t ordered, at; /* with an order: the number of entries, and the next one */
};

/* Begin with the dict at addr, or with one that is open. False: it is none. */
bool value_entries_open(struct py_values *v, uint64_t addr, struct value_entries *out);
void value_entries_begin(struct py_values *v, const struct py_dict *d, struct value_entries *out);
void value_entries_rewind(struct value_entries *e); /* to the first one */

/* Go to the next entry in use. False: there is none, or no more may be read, or it cannot be read:
 * then e->d.failed is set. */
bool value_entries_next(struct py_values *v, struct value_entries *e, struct py_dict_entry *out);

/* Set *value to the value of a key, which is a str, in the dict at `dict`. *known is as for
 * py_dict_find. */
enum res value_look_up(struct py_values *v, uint64_t dict, const char *key, uint64_t *known, uint64_t *value);
/* The same. False: there is none, or it cannot be read. */
bool value_find(struct py_values *v, uint64_t dict, const char *key, uint64_t *known, uint64_t *value);

#endif
