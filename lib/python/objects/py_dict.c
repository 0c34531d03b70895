/* Dicts of the target.
 *
 *   2.4 to 3.2   fill used mask table   │ table: {hash key value} for each of mask + 1 slots
 *   3.3 to 3.5   used keys values       │ keys: refcount size lookup usable, such entries
 *   3.6 to 3.10  used tag keys values   │ keys: refcount size lookup usable count, a table of
 *                                       │ indices (1, 2, 4 or 8 bytes each), `count` such entries
 *   3.11+        used tag keys values   │ keys: refcount, u8 logarithm of the size, u8 of the bytes
 *                                       │ of indices, u8 kind, u32 version, usable, count, indices,
 *                                       │ entries, without hashes if all keys are str
 *
 * Values of a split dict are in an array of their own, one for each entry; from 3.13 on after a
 * head of a word. Sources: Objects/dictobject.c, Include/dictobject.h, pycore_dict.h. */
#include "python/objects/py_dict.h"

#include <stdlib.h>

#include "os/read.h"
#include "python/objects/py_text.h"
#include "python/objects/py_type.h"
#include "python/py_memory.h"

enum { ENTRIES_MAX = 1 << 20, LOG_SIZE_MAX = 40, HEAD = 64, KIND_GENERAL = 0, KIND_SPLIT = 2 };

/* Bits of tp_flags (Include/object.h, Include/cpython/object.h). */
enum { INLINE_VALUES = 1 << 2, MANAGED_DICT = 1 << 4 };

/* The values of a split dict, whose structure is at `values`. */
static uint64_t values_in(const struct py_layout *l, uint64_t values)
{
	return values != 0 && l->version >= PY_HEX(3, 13) ? values + l->word : values;
}

static bool has_count(struct py_dict *d, uint64_t count)
{
	if (count > d->most)
		return false;
	d->count = (uint32_t)count;
	return true;
}

/* Keys of 3.11 and later, of which `head` is a copy. */
static bool open_keys_311(struct py_dict *d, uint64_t keys, const uint8_t head[HEAD], uint64_t values)
{
	uint8_t word = d->rt->layout.word, log_size = head[word], log_bytes = head[word + 1],
		kind = head[word + 2];
	size_t usable = (word + 8U + word - 1) / word * word;

	if (log_size > LOG_SIZE_MAX || log_bytes > LOG_SIZE_MAX + 3 || kind > KIND_SPLIT ||
	    (kind == KIND_SPLIT) != (values != 0))
		return false;
	d->hashed = kind == KIND_GENERAL;
	d->entries = keys + usable + 2U * word + ((uint64_t)1 << log_bytes);
	return has_count(d, py_number_at(head + usable + word, word));
}

/* Bytes of an index in a table of `size` of them (3.6 to 3.10). */
static unsigned index_bytes(uint64_t size)
{
	return size <= 0xff ? 1 : size <= 0xffff ? 2 : size <= 0xffffffff ? 4 : 8;
}

/* values: address of the array of values; 0: the dict is not split. */
static bool open_keys(struct py_dict *d, uint64_t keys, uint64_t values)
{
	const struct py_layout *l = &d->rt->layout;
	uint8_t head[HEAD], word = l->word;
	uint64_t size;

	if (!py_pointer_sane(keys, word) || !py_read(d->P, head, sizeof(head), keys))
		return false;
	d->values = values;
	if (l->version >= PY_HEX(3, 11))
		return open_keys_311(d, keys, head, values);
	size = py_number_at(head + word, word);
	if (size > (uint64_t)1 << LOG_SIZE_MAX)
		return false;
	if (l->version >= PY_HEX(3, 6)) {
		d->entries = keys + 5U * word + size * index_bytes(size);
		return has_count(d, py_number_at(head + 4U * word, word));
	}
	d->entries = keys + 4U * word;
	return has_count(d, size);
}

/* Up to 3.2. */
static bool open_table(struct py_dict *d, const uint8_t *head)
{
	uint8_t word = d->rt->layout.word, size = d->rt->layout.size_width;

	d->entries = py_number_at(head + (word == size ? 3U * size : 4U * size), word);
	return py_pointer_sane(d->entries, word) && has_count(d, py_number_at(head + 2U * size, size) + 1);
}

static struct py_dict new_dict(struct ps_prochandle *P, struct py_runtime *rt)
{
	return (struct py_dict){ .P = P, .rt = rt, .hashed = true, .most = ENTRIES_MAX };
}

/* derived: the caller has proved its type. */
static bool open_dict(
    struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, bool derived, struct py_dict *out)
{
	const struct py_layout *l = &rt->layout;
	uint8_t bytes[HEAD + 64], word = l->word;
	const uint8_t *head = bytes + py_head_size(l);
	size_t tag = l->version >= PY_HEX(3, 6) ? 8 : 0,
	       n = py_head_size(l) + (l->version < PY_HEX(3, 3) ? 5U * word : tag + 3U * word);

	/* No more than the dict has: what follows may be unmapped. */
	if (!py_pointer_sane(addr, word) || py_head_size(l) > HEAD || !py_read(P, bytes, n, addr) ||
	    (!derived &&
		!py_type_is(P, l, py_number_at(bytes + l->object.type - 1, word), "dict", &rt->dict_type)))
		return false;
	*out = new_dict(P, rt);
	if (derived)
		out->most = UINT32_MAX;
	if (l->version < PY_HEX(3, 3))
		return open_table(out, head);
	return open_keys(out, py_number_at(head + word + tag, word),
	    values_in(l, py_number_at(head + 2U * word + tag, word)));
}

bool py_dict_open(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, struct py_dict *out)
{
	return open_dict(P, rt, addr, false, out);
}

bool py_dict_open_derived(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, struct py_dict *out)
{
	return open_dict(P, rt, addr, true, out);
}

/* A type's members that say where its instances have their attributes. */
struct attribute_places {
	uint64_t flags, dictoffset, basicsize, cached_keys;
};

static bool read_places(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t type, struct attribute_places *out)
{
	*out = (struct attribute_places){ 0 };
	return py_read_word(P, l, type, l->type.flags, &out->flags) &&
	       py_read_word(P, l, type, l->type.flags + 15U * l->word, &out->dictoffset) &&
	       py_read_word(P, l, type, l->type.name + l->word, &out->basicsize) &&
	       (l->more.cached_keys == 0 || py_read_word(P, l, type, l->more.cached_keys, &out->cached_keys));
}

/* From 3.11 on, if the interpreter manages the dict: words in front of the object have it, or
 * values for the keys that the type shares. */
static bool open_managed(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr,
    const struct attribute_places *type, struct py_dict *out)
{
	const struct py_layout *l = &rt->layout;
	bool alone = l->free_threaded && l->version >= PY_HEX(3, 13);
	uint64_t dict, values = 0;

	if (!py_read_word(P, l, addr - (alone ? 1U : 3U) * l->word, PY_AT(0), &dict))
		return false;
	if (l->version < PY_HEX(3, 12)) {
		if (!py_read_word(P, l, addr - 4U * l->word, PY_AT(0), &values))
			return false;
	} else if (l->version < PY_HEX(3, 13) && (dict & 1) != 0) {
		values = dict + 1;
	} else if (dict == 0 && l->version >= PY_HEX(3, 13) && (type->flags & INLINE_VALUES) != 0) {
		values = addr + type->basicsize;
	}
	if (values == 0)
		return dict != 0 && py_dict_open(P, rt, dict, out);
	*out = new_dict(P, rt);
	return l->more.cached_keys != 0 && py_pointer_sane(values, l->word) &&
	       open_keys(out, type->cached_keys, values_in(l, values));
}

bool py_attributes_open(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, struct py_dict *out)
{
	enum { LARGEST = 1 << 20 };
	const struct py_layout *l = &rt->layout;
	struct attribute_places places;
	uint64_t type, dict;

	if (!py_pointer_sane(addr, l->word) || !py_read_word(P, l, addr, l->object.type, &type) ||
	    !py_pointer_sane(type, l->word) || !read_places(P, l, type, &places) ||
	    places.basicsize > LARGEST)
		return false;
	if (l->version >= PY_HEX(3, 11) && (places.flags & MANAGED_DICT) != 0)
		return open_managed(P, rt, addr, &places, out);
	return places.dictoffset != 0 && places.dictoffset < LARGEST &&
	       py_read_word(P, l, addr + places.dictoffset, PY_AT(0), &dict) &&
	       py_dict_open(P, rt, dict, out);
}

/* Fill d->bytes from entry `next` on. */
static bool read_entries(struct py_dict *d, uint32_t stride)
{
	uint32_t left = d->count - d->next, room = (uint32_t)sizeof(d->bytes) / stride;

	d->first = d->next;
	d->n = left < room ? left : room;
	if (py_read(d->P, d->bytes, (size_t)d->n * stride, d->entries + (uint64_t)d->first * stride))
		return true;
	d->n = 0;
	return false;
}

bool py_dict_next(struct py_dict *d, struct py_dict_entry *out)
{
	const struct py_layout *l = &d->rt->layout;
	uint32_t word = l->word, key = d->hashed ? word : 0, stride = key + 2 * word;

	while (d->next < d->count) {
		const uint8_t *at;
		uint32_t i = d->next;

		if (i - d->first >= d->n && !read_entries(d, stride)) {
			d->failed = true;
			return false;
		}
		at = d->bytes + (size_t)(i - d->first) * stride;
		d->next++;
		out->hash = d->hashed ? py_number_at(at, l->word) : 0;
		out->key = py_number_at(at + key, l->word);
		out->value = py_number_at(at + key + word, l->word);
		if (out->key != 0 && d->values != 0 &&
		    !py_read_word(d->P, l, d->values + (uint64_t)i * word, PY_AT(0), &out->value)) {
			d->failed = true;
			return false;
		}
		if (out->key != 0 && out->value != 0)
			return true;
	}
	return false;
}

/* The length of the str at addr, in characters. False: unreadable. */
static bool text_length(struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, uint64_t *length)
{
	uint64_t start;

	if (l->texts == PY_TEXT_BYTES)
		return py_bytes_where(P, l, addr, &start, length) == RES_OK;
	return py_pointer_sane(addr, l->word) && py_read_word(P, l, addr, l->str.length, length);
}

bool py_text_is(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, const char *text)
{
	struct py_string its = { .n = 0 };
	uint64_t length;
	bool same;

	same = text_length(P, &rt->layout, addr, &length) && length == strlen(text) &&
	       py_text_read(P, rt, addr, &its, NULL) == RES_OK && its.n == length &&
	       memcmp(its.text, text, its.n) == 0;
	free(its.text);
	return same;
}

enum {
	SOME = 64, /* keys that are looked at together */
	KEY = 96
}; /* bytes of a key that are read; a str that is longer is read once more */

/* What is known of a key from its first bytes. */
enum key_is { KEY_UNKNOWN, KEY_SAME, KEY_OTHER };

/* Where the characters of a str are that is ASCII, as an offset. */
static uint32_t characters_at(const struct py_layout *l)
{
	return (l->texts == PY_TEXT_COMPACT    ? l->str.ascii
		   : l->texts == PY_TEXT_BYTES ? l->bytes.data
					       : 1) -
	       1;
}

/* The bytes of a key of that length that are read: none of what follows it. */
static size_t key_bytes(const struct py_layout *l, size_t length)
{
	return characters_at(l) + length < KEY ? characters_at(l) + length : KEY;
}

/* Read the first bytes of n keys. False: from a live process only. */
static bool read_keys(
    struct py_dict *d, const struct py_dict_entry *entries, size_t n, size_t length, uint8_t (*keys)[KEY])
{
	struct os_piece pieces[SOME];

	if (d->live == NULL || d->rt->layout.texts == PY_TEXT_UNICODE)
		return false;
	for (size_t i = 0; i < n; i++)
		pieces[i] = (struct os_piece){
			.to = keys[i], .n = key_bytes(&d->rt->layout, length), .va = (uintptr_t)entries[i].key
		};
	os_read_pieces(d->live, pieces, n);
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].got != pieces[i].n)
			memset(keys[i], 0, KEY);
	}
	return true;
}

/* Is this key, whose first bytes are at `at`, the str `text`? Others than those of the usual type
 * and form are not decided. */
static enum key_is key_is(const struct py_dict *d, const uint8_t *at, const char *text)
{
	const struct py_layout *l = &d->rt->layout;
	const struct py_view view = { at, key_bytes(l, strlen(text)), l->word };
	bool bytes = l->texts == PY_TEXT_BYTES;
	uint64_t type = py_view_word(&view, l->object.type),
		 length = bytes ? py_view_size(&view, l, l->bytes.size) : py_view_word(&view, l->str.length);
	uint32_t form = (uint32_t)py_view_i32(&view, l->str.state) >> (l->kind_shift + 3) & 3;

	if (type == 0)
		return KEY_UNKNOWN;
	if (length != strlen(text))
		return KEY_OTHER;
	if (type != d->rt->str_type || (!bytes && form != 3) || characters_at(l) + length > KEY)
		return KEY_UNKNOWN;
	return memcmp(at + characters_at(l), text, (size_t)length) == 0 ? KEY_SAME : KEY_OTHER;
}

static bool is_readable(const struct py_dict *d, uint64_t object)
{
	uint64_t type;

	return py_pointer_sane(object, d->rt->layout.word) &&
	       py_read_word(d->P, &d->rt->layout, object, d->rt->layout.object.type, &type);
}

/* Find the key among the next entries that are in use, SOME of them. *n: their number. */
static bool find_in_some(struct py_dict *d, const char *text, size_t *n, struct py_dict_entry *out)
{
	struct py_dict_entry entries[SOME];
	uint8_t keys[SOME][KEY];
	bool known;

	for (*n = 0; *n < SOME && py_dict_next(d, &entries[*n]); (*n)++)
		;
	known = read_keys(d, entries, *n, strlen(text), keys);
	for (size_t i = 0; i < *n; i++) {
		enum key_is is = known ? key_is(d, keys[i], text) : KEY_UNKNOWN;

		*out = entries[i];
		if (is == KEY_SAME || (is == KEY_UNKNOWN && py_text_is(d->P, d->rt, out->key, text)))
			return true;
		d->failed |= is == KEY_UNKNOWN && !is_readable(d, out->key);
	}
	return false;
}

bool py_dict_find(struct py_dict *d, const char *text, uint64_t *key, struct py_dict_entry *out)
{
	size_t n = SOME;

	/* Names of attributes are interned: mostly equal ones are the same object. */
	for (d->next = 0; *key != 0 && py_dict_next(d, out);) {
		if (out->key == *key)
			return true;
	}
	for (d->next = 0; n == SOME;) {
		if (find_in_some(d, text, &n, out)) {
			*key = out->key;
			return true;
		}
	}
	return false;
}
