/* Dicts as values.
 *
 *   OrderedDict (3.5+)  dict, the first node, the last one, 6 words
 *   its node            key, hash, next node, previous one
 *   defaultdict         dict, a factory
 *
 * Sources: Objects/odictobject.c, Modules/_collectionsmodule.c. */
#include "python/values/value_dict.h"

#include "python/objects/py_dict.h"
#include "python/values/value.h"
#include "python/values/value_entries.h"
#include "python/values/value_items.h"
#include "python/values/value_put.h"
#include "python/values/value_read.h"
#include "python/values/value_types.h"

/* Write the entries. part: what of each. */
static void put_entries(struct value_writer *w, struct value_entries *e, enum value_part part)
{
	struct py_dict_entry entry;
	uint64_t i = 0;

	while (!w->full && value_entries_next(w->v, e, &entry)) {
		if (!value_put_next(w, i++))
			return;
		if (part == VALUE_PART_PAIRS)
			value_put(w, "(");
		if (part != VALUE_PART_VALUES)
			value_write(w, entry.key);
		if (part == VALUE_PART_PAIRS || part == VALUE_PART_ITEMS)
			value_put(w, part == VALUE_PART_PAIRS ? ", " : ": ");
		if (part != VALUE_PART_KEYS)
			value_write(w, entry.value);
		if (part == VALUE_PART_PAIRS)
			value_put(w, ")");
	}
	if (e->d.failed && value_put_next(w, i))
		value_put_unreadable(w, e->d.entries);
}

void value_put_dict(struct value_writer *w, uint64_t addr, enum value_part part)
{
	const char *open = part == VALUE_PART_ITEMS ? "{" : "[",
		   *close = part == VALUE_PART_ITEMS ? "}" : "]";
	struct value_entries e, first;
	struct py_dict_entry entry;

	if (!value_entries_open(w->v, addr, &e)) {
		value_put_unreadable(w, addr);
		return;
	}
	first = e;
	value_put(w, open);
	if (value_entries_next(w->v, &first, &entry) || first.d.failed) {
		if (value_enter(w, addr)) {
			put_entries(w, &e, part);
			value_leave(w);
		} else {
			value_put(w, "...");
		}
	}
	value_put(w, close);
}

void value_write_dict(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	(void)t;
	value_put_dict(w, addr, VALUE_PART_ITEMS);
}

void value_write_frozendict(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	struct value_entries e;
	struct py_dict_entry entry;

	value_put_type_short(w, t);
	value_put(w, "(");
	if (!value_entries_open(w->v, addr, &e) || value_entries_next(w->v, &e, &entry) || e.d.failed)
		value_put_dict(w, addr, VALUE_PART_ITEMS);
	value_put(w, ")");
}

void value_write_defaultdict(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_value_type *builtin = value_type_get(w->v, t->builtin), *dict;
	uint64_t factory;

	dict = builtin == NULL ? NULL : value_type_get(w->v, builtin->base);
	if (dict == NULL || dict->kind != VALUE_DICT ||
	    !value_read_word(w->v, addr + dict->basicsize, &factory)) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put_type_short(w, t);
	value_put(w, "(");
	if (factory == 0)
		value_put(w, "None");
	else
		value_write(w, factory);
	value_put(w, ", ");
	value_put_dict(w, addr, VALUE_PART_ITEMS);
	value_put(w, ")");
}

/* Find the key at that address, from the next entry on, then from the first. */
static bool find_key(struct value_writer *w, struct value_entries *e, uint64_t key, uint64_t *value)
{
	struct py_dict_entry entry;

	for (unsigned round = 0; round < 2; round++) {
		while (value_entries_next(w->v, e, &entry)) {
			if (entry.key == key) {
				*value = entry.value;
				return true;
			}
		}
		value_entries_rewind(e);
	}
	return false;
}

static void put_ordered(struct value_writer *w, struct value_entries *e, uint64_t node, bool pairs)
{
	uint8_t word = value_layout(w)->word;
	uint64_t key, value;

	for (uint64_t i = 0; node != 0 && !w->full; i++) {
		if (!value_put_next(w, i))
			return;
		if (!value_read_word(w->v, node, &key) || !find_key(w, e, key, &value) ||
		    !value_read_word(w->v, node + 2U * word, &node)) {
			value_put_unreadable(w, node);
			return;
		}
		value_put(w, pairs ? "(" : "");
		value_write(w, key);
		value_put(w, pairs ? ", " : ": ");
		value_write(w, value);
		value_put(w, pairs ? ")" : "");
	}
}

void value_write_ordered_dict(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_value_type *builtin = value_type_get(w->v, t->builtin), *dict;
	uint8_t word = value_layout(w)->word;
	bool pairs = value_is_before(w, 3, 12);
	struct value_entries e;
	uint64_t node, before = 0;

	dict = builtin == NULL ? NULL : value_type_get(w->v, builtin->base);
	if (dict == NULL || dict->kind != VALUE_DICT || builtin->basicsize != dict->basicsize + 8U * word ||
	    !value_read_word(w->v, addr + dict->basicsize, &node) ||
	    (node != 0 && !value_read_word(w->v, node + 3U * word, &before)) || before != 0 ||
	    !value_entries_open(w->v, addr, &e)) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put_type_short(w, t);
	value_put(w, "(");
	if (node != 0) {
		value_put(w, pairs ? "[" : "{");
		if (value_enter(w, addr)) {
			put_ordered(w, &e, node, pairs);
			value_leave(w);
		} else {
			value_put(w, "...");
		}
		value_put(w, pairs ? "]" : "}");
	}
	value_put(w, ")");
}

void value_write_dict_view(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	enum value_part part = t->kind == VALUE_DICT_KEYS     ? VALUE_PART_KEYS
			       : t->kind == VALUE_DICT_VALUES ? VALUE_PART_VALUES
							      : VALUE_PART_PAIRS;
	uint64_t dict;

	if (!value_read_word(w->v, addr + py_head_size(value_layout(w)), &dict)) {
		value_put_unreadable(w, addr);
		return;
	}
	value_put_type_short(w, t);
	value_put(w, "(");
	value_put_dict(w, dict, part);
	value_put(w, ")");
}
