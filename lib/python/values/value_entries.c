/* Entries of dicts in the order of repr().
 *
 * A split dict has its keys in the order in which the first object of the class got them. From 3.11
 * on numbers of a byte tell in which order this one did:
 *
 *   3.11, 3.12   order[n-1] … order[0], n, size of all this │ values: before the values
 *   3.13+        capacity, n, two flags │ values, capacity of them │ order[0] … order[n-1]
 *
 * Source: Include/internal/pycore_dict.h, Objects/dictobject.c. */
#include "python/values/value_entries.h"

#include "python/objects/py_dict.h"
#include "python/values/value.h"
#include "python/values/value_read.h"

enum { SEARCHED_MAX = 1 << 14 }; /* entries of a dict in which a key is searched for */

enum res value_look_up(struct py_values *v, uint64_t dict, const char *key, uint64_t *known, uint64_t *value)
{
	struct py_dict d;
	struct py_dict_entry entry;

	if (dict == 0)
		return RES_NONE;
	if (!value_charge(v, 128) || !py_dict_open(v->P, v->rt, dict, &d) || d.count > SEARCHED_MAX ||
	    !value_charge(v, (uint64_t)d.count * 64))
		return RES_FAIL;
	if (!py_dict_find(&d, key, known, &entry))
		return d.failed ? RES_FAIL : RES_NONE;
	*value = entry.value;
	return RES_OK;
}

bool value_find(struct py_values *v, uint64_t dict, const char *key, uint64_t *known, uint64_t *value)
{
	return value_look_up(v, dict, key, known, value) == RES_OK;
}

/* Find the order of a split dict's values. */
static void find_order(struct py_values *v, struct value_entries *e)
{
	const struct py_layout *l = &v->rt->layout;
	uint8_t head[2], bytes[VALUE_ORDER_MAX];
	bool before = l->version < PY_HEX(3, 13);
	uint64_t n, at;

	if (e->d.values == 0 || l->version < PY_HEX(3, 11) ||
	    !value_read(v, head, sizeof(head), before ? e->d.values - 2 : e->d.values - l->word))
		return;
	n = head[before ? 0 : 1];
	at = before ? e->d.values - 2 - n : e->d.values + (uint64_t)head[0] * l->word;
	if (n > VALUE_ORDER_MAX || n > e->total || (n > 0 && !value_read(v, bytes, n, at)))
		return;
	for (uint64_t i = 0; i < n; i++) {
		e->order[i] = bytes[before ? n - 1 - i : i];
		if (e->order[i] >= e->total)
			return;
	}
	e->ordered = (uint32_t)n;
	e->d.count = e->total;
}

void value_entries_begin(struct py_values *v, const struct py_dict *d, struct value_entries *out)
{
	*out = (struct value_entries){ .d = *d, .total = d->count };
	out->d.count = 0;
	find_order(v, out);
}

bool value_entries_open(struct py_values *v, uint64_t addr, struct value_entries *out)
{
	struct py_dict d;

	if (!value_charge(v, 128) || !py_dict_open_derived(v->P, v->rt, addr, &d))
		return false;
	value_entries_begin(v, &d, out);
	return true;
}

void value_entries_rewind(struct value_entries *e)
{
	e->d.next = 0;
	e->at = 0;
}

/* The next entry in the order of a split dict. */
static bool next_in_order(struct py_values *v, struct value_entries *e, struct py_dict_entry *out)
{
	while (e->at < e->ordered && value_charge(v, 3U * v->rt->layout.word)) {
		uint32_t i = e->order[e->at++];

		e->d.next = i;
		e->d.n = 0;
		if (py_dict_next(&e->d, out) && e->d.next == i + 1)
			return true;
		if (e->d.failed)
			return false;
	}
	return false;
}

bool value_entries_next(struct py_values *v, struct value_entries *e, struct py_dict_entry *out)
{
	enum { PART = 256 };

	if (e->ordered > 0)
		return next_in_order(v, e, out);
	for (;;) {
		uint32_t more = e->total - e->d.count;

		if (py_dict_next(&e->d, out))
			return true;
		if (e->d.failed || more == 0)
			return false;
		if (more > PART)
			more = PART;
		if (!value_charge(v, 3U * more * v->rt->layout.word))
			return false;
		e->d.count += more;
	}
}
