/* Names of threads:
 *
 *   interpreter.modules["threading"].__dict__["_active"][thread_id]
 *   Thread._name, ._daemonic      up to 2.7 _Thread__name, _Thread__daemonic
 *
 * The keys are ints, so an entry's hash is the number itself, modulo a prime from 3.2 on
 * (Include/pyhash.h: 2^61 − 1, of 32 bits 2^31 − 1). Lib/threading.py. */
#include "python/threads/py_names.h"

#include <stdlib.h>

#include "base/addrmap.h"
#include "base/owned.h"
#include "python/objects/py_dict.h"
#include "python/objects/py_text.h"
#include "python/objects/py_type.h"
#include "python/py_memory.h"

struct naming {
	struct ps_prochandle *P;
	const struct py_names_source *from;
	struct py_runtime *rt;
	py_names *names;
	struct addrmap by_hash;        /* hash of a thread_id → index in names */
	uint64_t key_name, key_daemon; /* for py_dict_find */
	/* Where Threads have both, by index, in the values for the keys whose entries are there:
	 * Threads of a class share them. 0: not known yet. */
	struct {
		uint64_t entries;
		uint32_t name, daemon;
	} shared;
	const char *attribute_name, *attribute_daemon;
};

static uint64_t text_hash(const struct py_layout *l, uint64_t thread_id)
{
	const uint64_t prime = l->word == 4 ? (UINT64_C(1) << 31) - 1 : (UINT64_C(1) << 61) - 1;

	return l->version >= PY_HEX(3, 2) ? thread_id % prime : thread_id;
}

/* The value of the entry `text` of the dict at addr. */
static bool find_dict_value(struct naming *g, uint64_t addr, const char *text, uint64_t *value)
{
	struct py_dict dict;
	struct py_dict_entry entry;
	uint64_t key = 0;

	if (!py_dict_open(g->P, g->rt, addr, &dict))
		return false;
	dict.live = g->from->live;
	if (!py_dict_find(&dict, text, &key, &entry))
		return false;
	*value = entry.value;
	return true;
}

/* The dict threading._active. */
static bool find_active(struct naming *g, uint64_t interp, uint64_t *active)
{
	const struct py_layout *l = &g->rt->layout;
	uint64_t modules, module, type, dict;
	py_field md_dict = l->object.type + l->word; /* Objects/moduleobject.c: after the head */

	return py_read_word(g->P, l, interp, l->more.modules, &modules) &&
	       find_dict_value(g, modules, "threading", &module) &&
	       py_read_word(g->P, l, module, l->object.type, &type) &&
	       py_type_is(g->P, l, type, "module", &g->rt->module_type) &&
	       py_read_word(g->P, l, module, md_dict, &dict) && find_dict_value(g, dict, "_active", active);
}

/* Is the object at addr True? A bool is an int: a size, from 3.12 on above three bits of flags, and
 * up to 2.7 the value alone. */
static bool is_true(struct naming *g, uint64_t addr)
{
	const struct py_layout *l = &g->rt->layout;
	uint64_t type, number;

	return py_pointer_sane(addr, l->word) && py_read_word(g->P, l, addr, l->object.type, &type) &&
	       py_type_is(g->P, l, type, "bool", &g->rt->bool_type) &&
	       py_read_word(g->P, l, addr, l->object.type + l->word, &number) &&
	       (l->version >= PY_HEX(3, 12) ? number >> 3 : number) != 0;
}

/* A Thread, and the name that it belongs to. */
struct found {
	uint64_t thread, text, daemon; /* addresses; 0: unknown */
	uint64_t values, entries;      /* of its attributes, if they are split; 0: not known yet */
	uint32_t name;
};
struct found_list { /* a VEC */
	struct found *at;
	size_t n, cap;
};

static void found_release(struct found_list *list)
{
	vec_free(list);
}

static void will_read(const struct naming *g, uint64_t va, size_t n)
{
	if (g->from->live != NULL)
		g->from->fetch(g->from->data, va, n);
}

/* Find the Threads in the dict at `active`. */
static void find_threads(struct naming *g, uint64_t active, struct found_list *out)
{
	enum { BEFORE = 32, WHOLE = 64 }; /* bytes of a Thread, roughly */
	struct py_dict dict;
	struct py_dict_entry entry;

	if (!py_dict_open(g->P, g->rt, active, &dict))
		return;
	while (dict.hashed && out->n < g->names->n && py_dict_next(&dict, &entry)) {
		struct found one = { .thread = entry.value };

		if (!addrmap_get(&g->by_hash, entry.hash, &one.name) || !vec_push(out, one))
			continue;
		will_read(g, entry.value - BEFORE, BEFORE + WHOLE);
	}
	will_read(g, 0, 0);
}

/* Open the attributes of a Thread. False also if there are more than a Thread has: as many as a
 * dict may have would take long to search for each thread. */
static bool open_attributes(struct naming *g, const struct found *f, struct py_dict *out)
{
	enum { ATTRIBUTES_MAX = 4096 };

	return py_attributes_open(g->P, g->rt, f->thread, out) && out->count <= ATTRIBUTES_MAX;
}

/* Find an attribute. *at: its place, if it was found by a known key; else unchanged. */
static uint64_t find_attribute(struct py_dict *attributes, const char *name, uint64_t *key, uint32_t *at)
{
	struct py_dict_entry entry;
	bool known = *key != 0;

	if (!py_dict_find(attributes, name, key, &entry))
		return 0;
	if (known)
		*at = attributes->next - 1;
	return entry.value;
}

static void find_by_keys(struct naming *g, struct found *f)
{
	const uint32_t unknown = UINT32_MAX;
	struct py_dict attributes;
	uint32_t name = unknown, daemon = unknown;

	if (!open_attributes(g, f, &attributes))
		return;
	f->text = find_attribute(&attributes, g->attribute_name, &g->key_name, &name);
	f->daemon = find_attribute(&attributes, g->attribute_daemon, &g->key_daemon, &daemon);
	if (attributes.values == 0 || name >= attributes.count || daemon >= attributes.count)
		return;
	g->shared.entries = attributes.entries;
	g->shared.name = name;
	g->shared.daemon = daemon;
}

/* Find the attributes of a Thread. */
static void find_attributes(struct naming *g, struct found *f)
{
	enum { TEXT = 256 }; /* bytes of a short str */
	const struct py_layout *l = &g->rt->layout;

	if (f->values == 0 || f->entries != g->shared.entries ||
	    !py_read_word(g->P, l, f->values + (uint64_t)g->shared.name * l->word, PY_AT(0), &f->text) ||
	    !py_read_word(g->P, l, f->values + (uint64_t)g->shared.daemon * l->word, PY_AT(0), &f->daemon))
		find_by_keys(g, f);
	if (f->text != 0)
		will_read(g, f->text, TEXT);
}

static void read_threads(struct naming *g, uint64_t active)
{
	OWNED(found_release) struct found_list found = VEC_EMPTY;
	struct py_dict attributes;

	find_threads(g, active, &found);
	for (size_t i = 0; i < found.n; i++) {
		if (!open_attributes(g, &found.at[i], &attributes) || attributes.values == 0)
			continue;
		found.at[i].values = attributes.values;
		found.at[i].entries = attributes.entries;
		will_read(g, attributes.values, (size_t)attributes.count * g->rt->layout.word);
	}
	will_read(g, 0, 0);
	for (size_t i = 0; i < found.n; i++)
		find_attributes(g, &found.at[i]);
	will_read(g, 0, 0);
	for (size_t i = 0; i < found.n; i++) {
		struct py_name *name = &g->names->at[found.at[i].name];
		struct py_string text;

		if (name->text != NULL || py_text_read(g->P, g->rt, found.at[i].text, &text, NULL) != RES_OK)
			continue;
		name->text = text.text;
		name->n = text.n;
		name->daemon = is_true(g, found.at[i].daemon);
	}
}

static bool index_names(struct naming *g)
{
	for (size_t i = 0; i < g->names->n; i++) {
		if (!addrmap_put(
			&g->by_hash, text_hash(&g->rt->layout, g->names->at[i].thread_id), (uint32_t)i))
			return false;
	}
	return true;
}

void py_names_read(struct py_process *py, const struct py_names_source *from, uint32_t runtime,
    uint64_t interp, py_names *names)
{
	struct py_runtime *rt = &py->runtimes.at[runtime];
	bool old = rt->layout.version < PY_HEX(3, 0);
	struct naming g = { .P = from->P,
		.from = from,
		.rt = rt,
		.names = names,
		.attribute_name = old ? "_Thread__name" : "_name",
		.attribute_daemon = old ? "_Thread__daemonic" : "_daemonic" };
	uint64_t active;

	if (rt->layout.more.modules != 0 && index_names(&g) && find_active(&g, interp, &active))
		read_threads(&g, active);
	addrmap_free(&g.by_hash);
}

void py_names_free(py_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->at[i].text);
	vec_free(names);
}
