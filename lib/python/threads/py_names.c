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
#include "python/objects/py_dict.h"
#include "python/objects/py_text.h"
#include "python/objects/py_type.h"
#include "python/py_memory.h"

struct naming {
	struct ps_prochandle *P;
	struct py_runtime *rt;
	py_names *names;
	struct addrmap by_hash;        /* hash of a thread_id → index in names */
	uint64_t key_name, key_daemon; /* for py_dict_find */
	const char *attribute_name, *attribute_daemon;
};

static uint64_t hash_of(const struct py_layout *l, uint64_t thread_id)
{
	const uint64_t prime = l->word == 4 ? (UINT64_C(1) << 31) - 1 : (UINT64_C(1) << 61) - 1;

	return l->version >= PY_HEX(3, 2) ? thread_id % prime : thread_id;
}

/* The value of the entry `text` of the dict at addr. */
static bool find_in(struct naming *g, uint64_t addr, const char *text, uint64_t *value)
{
	struct py_dict dict;
	struct py_dict_entry entry;
	uint64_t key = 0;

	if (!py_dict_open(g->P, g->rt, addr, &dict) || !py_dict_find(&dict, text, &key, &entry))
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
	       find_in(g, modules, "threading", &module) &&
	       py_read_word(g->P, l, module, l->object.type, &type) &&
	       py_type_is(g->P, l, type, "module", &g->rt->module_type) &&
	       py_read_word(g->P, l, module, md_dict, &dict) && find_in(g, dict, "_active", active);
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

static void read_thread(struct naming *g, uint64_t thread, struct py_name *out)
{
	struct py_dict attributes;
	struct py_dict_entry entry;

	if (out->text != NULL || !py_attributes_open(g->P, g->rt, thread, &attributes) ||
	    !py_dict_find(&attributes, g->attribute_name, &g->key_name, &entry) ||
	    py_text_read(g->P, g->rt, entry.value, &out->text, &out->n, NULL) != RES_OK)
		return;
	out->daemon =
	    py_dict_find(&attributes, g->attribute_daemon, &g->key_daemon, &entry) && is_true(g, entry.value);
}

static bool index_names(struct naming *g)
{
	for (size_t i = 0; i < g->names->n; i++) {
		if (!addrmap_put(
			&g->by_hash, hash_of(&g->rt->layout, g->names->at[i].thread_id), (uint32_t)i))
			return false;
	}
	return true;
}

void py_names_read(
    struct py_process *py, struct ps_prochandle *P, uint32_t runtime, uint64_t interp, py_names *names)
{
	struct py_runtime *rt = &py->runtimes.at[runtime];
	bool old = rt->layout.version < PY_HEX(3, 0);
	struct naming g = { .P = P,
		.rt = rt,
		.names = names,
		.attribute_name = old ? "_Thread__name" : "_name",
		.attribute_daemon = old ? "_Thread__daemonic" : "_daemonic" };
	size_t left = names->n;
	struct py_dict active;
	struct py_dict_entry entry;
	uint64_t dict;
	uint32_t i;

	if (rt->layout.more.modules != 0 && index_names(&g) && find_active(&g, interp, &dict) &&
	    py_dict_open(P, rt, dict, &active)) {
		while (left > 0 && active.hashed && py_dict_next(&active, &entry)) {
			if (addrmap_get(&g.by_hash, entry.hash, &i)) {
				read_thread(&g, entry.value, &names->at[i]);
				left--;
			}
		}
	}
	addrmap_free(&g.by_hash);
}

void py_names_free(py_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->at[i].text);
	vec_free(names);
}
