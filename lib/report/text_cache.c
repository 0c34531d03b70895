/* See text_cache.h. */
#include "report/text_cache.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_BYTES_MAX = 1 << 20 };

void text_cache_free(struct text_cache *c)
{
	for (size_t i = 0; i < c->lines.n; i++)
		free((char *)c->lines.at[i].at);
	vec_free(&c->lines);
	vec_free(&c->by_name);
	addrmap_free(&c->by_place);
	c->bytes = 0;
}

static void put_line(const struct text_cache *c, uint32_t i, struct strbuf *out)
{
	strbuf_add(out, c->lines.at[i].at, c->lines.at[i].n);
}

/* *i: its index in lines. False: there is no room, or no memory. */
static bool add_line(struct text_cache *c, const struct strbuf *out, size_t from, uint32_t *i)
{
	struct record_string line = { NULL, out->n - from };
	char *copy;

	if (out->failed || c->bytes + line.n > CACHE_BYTES_MAX)
		return false;
	copy = malloc(line.n);
	if (copy == NULL)
		return false;
	line.at = memcpy(copy, out->at + from, line.n);
	if (!vec_push(&c->lines, line)) {
		free(copy);
		return false;
	}
	c->bytes += line.n;
	*i = (uint32_t)(c->lines.n - 1);
	return true;
}

bool text_cache_name(const struct text_cache *c, uint32_t id, struct strbuf *out)
{
	if (id >= c->by_name.n || c->by_name.at[id] == 0)
		return false;
	put_line(c, c->by_name.at[id] - 1, out);
	return true;
}

void text_cache_add_name(struct text_cache *c, uint32_t id, const struct strbuf *out, size_t from)
{
	uint32_t i;

	if (!add_line(c, out, from, &i))
		return;
	while (c->by_name.n <= id) {
		if (!vec_push(&c->by_name, 0))
			return;
	}
	c->by_name.at[id] = i + 1;
}

static uint64_t place_key(const struct record_item *item)
{
	return (uint64_t)item->code_id << 32 | (uint32_t)item->line;
}

bool text_cache_place(const struct text_cache *c, const struct record_item *item, struct strbuf *out)
{
	uint32_t i;

	if (!addrmap_get(&c->by_place, place_key(item), &i))
		return false;
	put_line(c, i, out);
	return true;
}

void text_cache_add_place(
    struct text_cache *c, const struct record_item *item, const struct strbuf *out, size_t from)
{
	uint32_t i;

	if (add_line(c, out, from, &i))
		(void)addrmap_put(&c->by_place, place_key(item), i);
}
