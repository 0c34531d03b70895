/* See source_names.h. */
#include "symbol/source_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/owned.h"
#include "symbol/cython_name.h"

/* Names with equal hashes have the numbers after it. *i: its index. False: *key is free. */
static bool find_mangled(const struct source_names *s, const char *mangled, uint64_t *key, uint32_t *i)
{
	*key = hash_bytes(HASH_START, mangled, strlen(mangled));
	for (; addrmap_get(&s->index, *key, i); (*key)++) {
		if (strcmp(s->at.at[*i].mangled, mangled) == 0)
			return true;
	}
	return false;
}

void source_names_free(struct source_names *s)
{
	for (size_t i = 0; i < s->at.n; i++)
		free(s->at.at[i].source);
	vec_free(&s->at);
	addrmap_free(&s->index);
}

void source_names_add(struct source_names *s, const char *mangled)
{
	struct source_name name = { mangled, NULL };
	uint64_t key;
	uint32_t i;

	if (s->given_up || find_mangled(s, mangled, &key, &i) || s->at.n == UINT32_MAX ||
	    !vec_push(&s->at, name))
		return;
	if (!addrmap_put(&s->index, key, (uint32_t)(s->at.n - 1)))
		s->at.n--;
	else if (cython_is_function(mangled))
		s->at.at[s->at.n - 1].source = cython_name(mangled);
}

bool source_names_wanted(const char *name)
{
	return demangle_is_mangled(name) || cython_is_function(name);
}

/* The names from `from` on that a library has to read. Returns their number. */
static size_t mangled_names(const struct source_names *s, size_t from, const char **names, uint32_t *indices)
{
	size_t n = 0;

	for (size_t i = from; i < s->at.n; i++) {
		if (!demangle_is_mangled(s->at.at[i].mangled))
			continue;
		names[n] = s->at.at[i].mangled;
		indices[n++] = (uint32_t)i;
	}
	return n;
}

enum res source_names_find(struct source_names *s, struct fault *f)
{
	size_t room = s->at.n - s->found, n;
	OWNED(mem_release) const char **names = NULL;
	OWNED(mem_release) char **sources = NULL;
	OWNED(mem_release) uint32_t *indices = NULL;
	enum res res;

	if (room == 0 || s->given_up)
		return RES_OK;
	names = calloc(room, sizeof(*names));
	sources = calloc(room, sizeof(*sources));
	indices = calloc(room, sizeof(*indices));
	if (names == NULL || sources == NULL || indices == NULL)
		return fault_memory(f);
	n = mangled_names(s, s->found, names, indices);
	res = n == 0 ? RES_OK : demangle_names(names, n, sources, f);
	s->given_up = res != RES_OK;
	for (size_t i = 0; i < n; i++)
		s->at.at[indices[i]].source = sources[i];
	s->found = s->at.n;
	return res;
}

const char *source_name_of(const struct source_names *s, const char *mangled)
{
	uint64_t key;
	uint32_t i;

	return find_mangled(s, mangled, &key, &i) ? s->at.at[i].source : NULL;
}
