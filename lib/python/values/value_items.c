/* Containers whose items are in a row or in a table of their own.
 *
 *   list        head, ob_size, a pointer to the items
 *   tuple       head, ob_size, [3.14+: hash,] the items
 *   set         head, fill, used, mask, table: {key, hash}, mask + 1 times; in old versions
 *               {hash, key}
 *   deque       head, [3.6+: ob_size,] leftblock, rightblock, leftindex, rightindex, [2.7: number
 *               of items,] state, maxlen; a block is a link to the left, items, a link to the right
 *               (3.6+), or items, a link to the right, one to the left (2.7)
 *   dict views  head, dict
 *
 * Sources: Include/{listobject,tupleobject,setobject}.h, Modules/_collectionsmodule.c. */
#include "python/values/value_items.h"

#include "python/values/value.h"
#include "python/values/value_put.h"
#include "python/values/value_read.h"
#include "python/values/value_text.h"
#include "python/values/value_types.h"

bool value_enter(struct value_writer *w, uint64_t addr)
{
	if (w->depth >= w->v->limits.depth || w->depth >= VALUE_DEPTH_MAX)
		return false;
	for (uint32_t i = 0; i < w->depth; i++) {
		if (w->around[i] == addr)
			return false;
	}
	w->around[w->depth++] = addr;
	return true;
}

void value_leave(struct value_writer *w)
{
	w->depth--;
}

bool value_put_next(struct value_writer *w, uint64_t i)
{
	if (i > 0)
		value_put(w, ", ");
	if (i < w->v->limits.items)
		return true;
	value_put(w, "...");
	return false;
}

/* Write n items, to which the pointers at `at` lead. */
static void put_row(struct value_writer *w, uint64_t at, uint64_t n)
{
	uint8_t word = value_layout(w)->word;
	uint64_t item;

	for (uint64_t i = 0; i < n && !w->full; i++) {
		if (!value_put_next(w, i))
			return;
		if (value_read_word(w->v, at + i * word, &item))
			value_write(w, item);
		else
			value_put_unreadable(w, at + i * word);
	}
}

/* ob_size of a container. */
static bool read_size(struct value_writer *w, uint64_t addr, uint64_t *n)
{
	const struct py_layout *l = value_layout(w);

	*n = 0;
	return value_read(w->v, n, l->size_width, addr + py_head_size(l)) && *n < (uint64_t)1 << 48;
}

void value_write_list(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	uint64_t n, items = 0;

	(void)t;
	if (!read_size(w, addr, &n) || !value_read_word(w->v, addr + py_var_head_size(l), &items)) {
		value_put_unreadable(w, addr);
	} else if (n == 0) {
		value_put(w, "[]");
	} else if (!value_enter(w, addr)) {
		value_put(w, "[...]");
	} else {
		value_put(w, "[");
		put_row(w, items, n);
		value_put(w, "]");
		value_leave(w);
	}
}

uint64_t value_tuple_items(const struct py_layout *l, uint64_t addr)
{
	return addr + py_var_head_size(l) + (l->version >= PY_HEX(3, 14) ? l->word : 0U);
}

bool value_tuple_size(struct value_writer *w, uint64_t addr, uint64_t *n)
{
	return read_size(w, addr, n);
}

void value_put_tuple(struct value_writer *w, uint64_t addr, bool comma)
{
	uint64_t n;

	if (!read_size(w, addr, &n)) {
		value_put_unreadable(w, addr);
	} else if (n == 0) {
		value_put(w, "()");
	} else if (!value_enter(w, addr)) {
		value_put(w, "(...)");
	} else {
		value_put(w, "(");
		put_row(w, value_tuple_items(value_layout(w), addr), n);
		value_put(w, n == 1 && comma ? ",)" : ")");
		value_leave(w);
	}
}

void value_write_tuple(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	(void)t;
	value_put_tuple(w, addr, true);
}

/* The table of a set. */
struct set_table {
	uint64_t used, slots, at;
	unsigned key; /* which word of a slot is the key */
};

/* Up to 3.5: is the first word of a slot that is in use an object? */
static bool is_key_first(struct value_writer *w, const struct set_table *table)
{
	enum { LOOKED_AT = 256 };
	uint8_t word = value_layout(w)->word;
	uint64_t first, second;

	for (uint64_t i = 0; i < table->slots && i < LOOKED_AT; i++) {
		if (!value_read_word(w->v, table->at + i * 2 * word, &first) ||
		    !value_read_word(w->v, table->at + (i * 2 + 1) * word, &second))
			return false;
		if (first != 0 && second != 0)
			return value_type_of(w->v, first) != NULL;
	}
	return false;
}

static bool open_set(struct value_writer *w, uint64_t addr, struct set_table *out)
{
	uint8_t word = value_layout(w)->word;
	uint64_t at = addr + py_head_size(value_layout(w)), mask;

	if (value_is_before(w, 2, 5) || !value_read_word(w->v, at + word, &out->used) ||
	    !value_read_word(w->v, at + 2U * word, &mask) || !value_read_word(w->v, at + 3U * word, &out->at))
		return false;
	out->slots = mask + 1;
	out->key = value_is_before(w, 3, 6) && !is_key_first(w, out) ? 1 : 0;
	return out->slots != 0 && out->slots <= (uint64_t)1 << 32 && out->used <= out->slots;
}

/* Is it what a set has in place of a removed item? Up to 3.3 a str, whose hash has never been
 * computed: `hash` is that of the removed item. Later an object of a type of its own. */
static bool is_dummy(struct value_writer *w, uint64_t addr, uint64_t hash)
{
	const struct py_layout *l = value_layout(w);
	const struct py_value_type *t = value_type_of(w->v, addr);
	static const char name[] = "<dummy key>", type_name[] = "<dummy key> type";
	uint64_t its_hash, at = l->texts == PY_TEXT_UNICODE ? 2U * l->word : l->word;
	char its[sizeof(type_name) + 1];

	if (t == NULL || t->heap)
		return false;
	if (t->kind == VALUE_OBJECT)
		return value_read_string(w->v, its, sizeof(its), t->name) && strcmp(its, type_name) == 0;
	return value_is_before(w, 3, 4) && value_is_text(w->v, addr, name) &&
	       value_read_word(w->v, addr + py_head_size(l) + at, &its_hash) && its_hash != hash;
}

static void put_set(struct value_writer *w, const struct set_table *table)
{
	enum { AT_ONCE = 32 };
	uint8_t slots[AT_ONCE * 16], word = value_layout(w)->word;
	uint64_t done = 0, first = 0;

	for (uint64_t i = 0; i < table->slots && done < table->used && !w->full; i++) {
		uint64_t key = 0, hash = 0, n = table->slots - i < AT_ONCE ? table->slots - i : AT_ONCE;

		if (i % AT_ONCE == 0) {
			first = i;
			if (!value_read(w->v, slots, n * 2 * word, table->at + i * 2 * word)) {
				value_put_unreadable(w, table->at);
				return;
			}
		}
		memcpy(&key, slots + ((i - first) * 2 + table->key) * word, word);
		memcpy(&hash, slots + ((i - first) * 2 + 1 - table->key) * word, word);
		if (key == 0 || is_dummy(w, key, hash))
			continue;
		if (!value_put_next(w, done++))
			return;
		value_write(w, key);
	}
}

void value_write_set(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	bool old = value_is_before(w, 3, 0), bare = !old && t->kind == VALUE_SET && t->addr == t->builtin;
	struct set_table table;

	if (!open_set(w, addr, &table)) {
		value_write_plain(w, addr, t);
		return;
	}
	if (!bare || table.used == 0) {
		value_put_type_short(w, t);
		value_put(w, "(");
	}
	if (table.used > 0 || old)
		value_put(w, old ? "[" : "{");
	if (table.used > 0 && value_enter(w, addr)) {
		put_set(w, &table);
		value_leave(w);
	} else if (table.used > 0) {
		value_put(w, "...");
	}
	if (table.used > 0 || old)
		value_put(w, old ? "]" : "}");
	if (!bare || table.used == 0)
		value_put(w, ")");
}

/* Where a deque has its first item. */
struct deque {
	uint64_t n, maxlen, block, index;
	unsigned items, next, length; /* of a block: words in front of the items, of the link to the next;
				       * items */
};

static bool open_deque(struct value_writer *w, uint64_t addr, struct deque *out)
{
	const struct py_layout *l = value_layout(w);
	bool old = l->version < PY_HEX(3, 0);
	uint64_t at = addr + (old ? py_head_size(l) : py_var_head_size(l));

	if (old ? l->version != PY_HEX(2, 7) : l->version < PY_HEX(3, 6))
		return false;
	out->length = old ? 62 : 64;
	out->items = old ? 0 : 1;
	out->next = out->items + out->length;
	return value_read_word(w->v, at, &out->block) &&
	       value_read_word(w->v, at + 2U * l->word, &out->index) &&
	       (old ? value_read_word(w->v, at + 4U * l->word, &out->n) : read_size(w, addr, &out->n)) &&
	       value_read_word(w->v, at + (old ? 6U : 5U) * l->word, &out->maxlen) &&
	       out->index < out->length;
}

static void put_deque(struct value_writer *w, struct deque *d)
{
	uint8_t word = value_layout(w)->word;
	uint64_t item;

	for (uint64_t i = 0; i < d->n && !w->full; i++) {
		if (d->index == d->length) {
			d->index = 0;
			if (!value_read_word(w->v, d->block + (uint64_t)d->next * word, &d->block)) {
				value_put_unreadable(w, d->block);
				return;
			}
		}
		if (!value_put_next(w, i))
			return;
		if (!value_read_word(w->v, d->block + (d->items + d->index++) * word, &item)) {
			value_put_unreadable(w, d->block);
			return;
		}
		value_write(w, item);
	}
}

void value_write_deque(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	struct deque d;

	if (!open_deque(w, addr, &d)) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put_type_short(w, t);
	value_put(w, "([");
	if (d.n > 0 && value_enter(w, addr)) {
		put_deque(w, &d);
		value_leave(w);
	} else if (d.n > 0) {
		value_put(w, "...");
	}
	value_put(w, "]");
	if (d.maxlen < (uint64_t)1 << (8 * value_layout(w)->word - 1))
		value_put_fmt(w, ", maxlen=%llu", (unsigned long long)d.maxlen);
	value_put(w, ")");
}
