/* Objects and their memory, in one pass over the mappings: a process may have thousands of objects
 * and half a million mappings. */
#include "python/find/py_objects.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

void py_objects_free(struct py_objects *o)
{
	for (size_t i = 0; i < o->at.n; i++)
		free(o->at.at[i].path);
	vec_free(&o->at);
	vec_free(&o->regions);
	vec_free(&o->one);
	addrmap_free(&o->by_path);
}

/* The first object with this path. False: there is none; *key is a free key for it. */
static bool find_path(const struct py_objects *o, const char *path, uint64_t *key, uint32_t *i)
{
	*key = hash_bytes(HASH_START, path, strlen(path));
	for (; addrmap_get(&o->by_path, *key, i); (*key)++) {
		if (strcmp(o->at.at[*i].path, path) == 0)
			return true;
	}
	return false;
}

struct listing {
	struct py_objects *o;
	bool failed;
};

static int list_object(void *data, const prmap_t *map, const char *name)
{
	struct listing *l = data;
	struct py_object new = { .addr = map->pr_vaddr, .first = PY_NO_REGION, .last = PY_NO_REGION };
	uint64_t key;
	bool known;

	if (name == NULL || name[0] != '/')
		return 0;
	known = find_path(l->o, name, &key, &new.same);
	if (!known)
		new.same = (uint32_t)l->o->at.n;
	new.path = strdup(name);
	if (new.path != NULL && vec_push(&l->o->at, new)) {
		l->failed = !known && !addrmap_put(&l->o->by_path, key, new.same);
		return l->failed;
	}
	free(new.path);
	l->failed = true;
	return 1;
}

bool py_objects_list(struct ps_prochandle *P, struct py_objects *out)
{
	struct listing l = { out, false };

	(void)Pobject_iter(P, list_object, &l);
	return !l.failed;
}

struct measuring {
	struct py_objects *o;
	/* Of the previous mapping, or NULL. An unnamed mapping right after it is its .bss. */
	struct py_object *owner;
	struct py_object *named; /* the object of the last named mapping */
	uint64_t end;            /* of the previous mapping */
	bool failed;
};

static struct py_object *object_of(struct measuring *m, const char *name)
{
	uint64_t key;
	uint32_t i;

	/* Mappings of an object follow each other. */
	if (m->named == NULL || strcmp(m->named->path, name) != 0)
		m->named = find_path(m->o, name, &key, &i) ? &m->o->at.at[i] : NULL;
	return m->named;
}

static bool add_region(struct py_objects *o, struct py_object *of, const prmap_t *map)
{
	struct py_object_region r = { { map->pr_vaddr, map->pr_vaddr + map->pr_size }, PY_NO_REGION };
	uint32_t at = (uint32_t)o->regions.n;

	if (o->regions.n >= PY_NO_REGION || !vec_push(&o->regions, r))
		return false;
	if (of->first == PY_NO_REGION)
		of->first = at;
	else
		o->regions.at[of->last].next = at;
	of->last = at;
	return true;
}

static int measure_mapping(void *data, const prmap_t *map, const char *name)
{
	struct measuring *m = data;
	bool is_named = name != NULL && name[0] != '\0';
	bool writable = (map->pr_mflags & MA_WRITE) != 0;

	if (is_named)
		m->owner = object_of(m, name);
	else if (map->pr_vaddr != m->end)
		m->owner = NULL;
	m->end = map->pr_vaddr + map->pr_size;
	if (m->owner == NULL)
		return 0;
	if (is_named) {
		m->owner->mapped += map->pr_size;
		m->owner->writable += writable ? map->pr_size : 0;
	}
	m->failed = writable && !add_region(m->o, m->owner, map);
	return m->failed;
}

bool py_objects_measure(struct ps_prochandle *P, struct py_objects *o)
{
	struct measuring m = { .o = o };

	if (o->measured)
		return true;
	(void)Pmapping_iter(P, measure_mapping, &m);
	o->measured = true;
	return !m.failed;
}

const py_regions *py_objects_regions(struct ps_prochandle *P, struct py_objects *o, size_t i)
{
	const struct py_object *of = &o->at.at[o->at.at[i].same];

	if (!py_objects_measure(P, o))
		return NULL;
	if (o->of == of)
		return &o->one;
	o->of = NULL;
	o->one.n = 0;
	for (uint32_t k = of->first; k != PY_NO_REGION; k = o->regions.at[k].next) {
		if (!vec_push(&o->one, o->regions.at[k].at))
			return NULL;
	}
	o->of = of;
	return &o->one;
}
