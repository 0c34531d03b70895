/* Counts stacks by their text. */
#include "report/counts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/strbuf.h"
#include "report/folded.h"
#include "report/json.h"
#include "report/text_color.h"

/* The whole text, which may be longer than a chunk. */
static void stack_text(
    struct counts *c, const struct record_thread *t, struct text_cache *cache, struct strbuf *out)
{
	struct strbuf part = STRBUF_EMPTY;

	for (size_t i = 0; i < t->items.n;) {
		i = text_stack(t, i, &c->style, cache, &part);
		strbuf_add(out, strbuf_text(&part), part.n);
		out->failed |= part.failed;
		strbuf_reset(&part);
	}
	strbuf_free(&part);
}

static void whole_json(const struct record_thread *t, struct text_cache *cache, struct strbuf *out)
{
	struct strbuf part = STRBUF_EMPTY;

	strbuf_str(out, "\"frames\":[");
	for (size_t i = 0; i < t->items.n;) {
		i = json_frames(t, i, true, cache, &part);
		strbuf_add(out, strbuf_text(&part), part.n);
		out->failed |= part.failed;
		strbuf_reset(&part);
	}
	strbuf_char(out, ']');
	strbuf_free(&part);
}

char *counts_text(struct counts *c, const struct record_thread *t, struct text_cache *cache)
{
	struct strbuf text = STRBUF_EMPTY;

	if (t->items.n == 0)
		return NULL;
	if (c->format == COUNTS_FOLDED)
		folded_stack(t, &c->style, &text);
	else if (c->format == COUNTS_JSON)
		whole_json(t, cache, &text);
	else
		stack_text(c, t, cache, &text);
	if (text.failed || text.n == 0) {
		c->failed |= text.failed;
		strbuf_free(&text);
		return NULL;
	}
	return text.at; /* handed on */
}

void counts_add(struct counts *c, const char *text, uint64_t count)
{
	uint64_t hash = hash_bytes(HASH_START, text, strlen(text));
	struct counted new = { .count = count, .order = c->at.n };
	uint32_t i;

	for (; addrmap_get(&c->index, hash, &i); hash++) {
		if (strcmp(c->at.at[i].text, text) == 0) {
			c->at.at[i].count += count;
			return;
		}
	}
	new.text = strdup(text);
	if (new.text != NULL && c->at.n < UINT32_MAX &&vec_push(&c->at, new)) {
		if (addrmap_put(&c->index, hash, (uint32_t)(c->at.n - 1)))
			return;
		c->at.n--;
	}
	free(new.text);
	c->failed = true;
}

/* Of equal counts, the one that was seen first comes later, nearer to the frequent ones. */
static int by_count(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return (x->order < y->order) - (x->order > y->order);
}

/* Sorts the counts, which makes the index useless. Returns the index of the first to print. */
static size_t counts_sort(struct counts *c, size_t top)
{
	if (c->at.n > 0)
		qsort(c->at.at, c->at.n, sizeof(c->at.at[0]), by_count);
	addrmap_clear(&c->index);
	return top == 0 || top > c->at.n ? 0 : c->at.n - top;
}

/* False: out of memory, it was not printed. */
static bool print_json(const struct counted *stack, FILE *out)
{
	struct strbuf line = STRBUF_EMPTY;
	bool ok = json_stack(stack->text, stack->count, &line);
	if (ok)
		(void)fwrite(strbuf_text(&line), 1, line.n, out);
	strbuf_free(&line);
	return ok;
}

void counts_print(struct counts *c, size_t top, FILE *out)
{
	for (size_t i = counts_sort(c, top); i < c->at.n; i++) {
		const struct counted *one = &c->at.at[i];

		if (c->format == COUNTS_JSON) {
			c->failed |= !print_json(one, out);
		} else if (c->format == COUNTS_FOLDED) {
			(void)fprintf(out, "%s %" PRIu64 "\n", one->text, one->count);
		} else {
			(void)fputc('\n', out);
			text_write(one->text, strlen(one->text), c->style.color, out);
			(void)fprintf(out, " %16" PRIu64 "\n", one->count);
		}
	}
}

void counts_clear(struct counts *c)
{
	for (size_t i = 0; i < c->at.n; i++)
		free(c->at.at[i].text);
	c->at.n = 0;
	addrmap_clear(&c->index);
}

void counts_free(struct counts *c)
{
	counts_clear(c);
	vec_free(&c->at);
	addrmap_free(&c->index);
}
