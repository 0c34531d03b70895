/* See source_names.h. */
#include "symbol/source_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/owned.h"

/* Names with equal hashes have the numbers after it. *i: its index. False: *key is free. */
static bool look_up(const struct source_names *s, const char *mangled, uint64_t *key, uint32_t *i)
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

	if (s->given_up || look_up(s, mangled, &key, &i) || s->at.n == UINT32_MAX || !vec_push(&s->at, name))
		return;
	if (!addrmap_put(&s->index, key, (uint32_t)(s->at.n - 1)))
		s->at.n--;
}

void source_names_find(struct source_names *s)
{
	size_t n = s->at.n - s->found;
	OWNED(mem_release) const char **names = NULL;
	OWNED(mem_release) char **sources = NULL;
	struct fault f;

	if (n == 0 || s->given_up)
		return;
	names = calloc(n, sizeof(*names));
	sources = calloc(n, sizeof(*sources));
	if (names == NULL || sources == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		names[i] = s->at.at[s->found + i].mangled;
	s->given_up = demangle_names(names, n, sources, &f) != RES_OK;
	for (size_t i = 0; i < n; i++)
		s->at.at[s->found + i].source = sources[i];
	s->found = s->at.n;
}

const char *source_name_of(const struct source_names *s, const char *mangled)
{
	uint64_t key;
	uint32_t i;

	return look_up(s, mangled, &key, &i) ? s->at.at[i].source : NULL;
}
