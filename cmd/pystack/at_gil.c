/* See at_gil.h. */
#include "at_gil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "at_impl.h"
#include "at_key.h"
#include "base/hash.h"
#include "report/text.h"

struct probe_count *at_gil_printed(struct at_gil *x, const struct probe_held *held)
{
	const struct at_gil_printed one = { .held = *held };
	uint64_t hash = hash_word(at_key_hash(&held->key), held->holder);
	uint32_t i;

	if (!addrmap_get(&x->by_hash, hash, &i)) {
		if (x->at.n >= UINT32_MAX || !vec_push(&x->at, one))
			return NULL;
		i = (uint32_t)(x->at.n - 1);
		if (!addrmap_put(&x->by_hash, hash, i))
			return NULL;
	}
	return &x->at.at[i].printed;
}

void at_gil_free(struct at_gil *x)
{
	vec_free(&x->at);
	addrmap_free(&x->by_hash);
}

/* The line about the wait. holder 0: unknown. */
static void put_line(uint32_t holder, struct strbuf *out)
{
	char by[32];
	const struct record_item item = { .remark = REMARK_GIL, .detail = holder != 0 ? by : NULL };

	(void)snprintf(by, sizeof(by), " held by %u", holder);
	strbuf_str(out, TEXT_INDENT "(");
	text_remark(&item, out);
	strbuf_str(out, ")\n");
}

/* What *out has, malloc'd; frees *out. */
static char *take_text(struct strbuf *out)
{
	char *text = out->failed ? NULL : strdup(strbuf_text(out));

	strbuf_free(out);
	return text;
}

bool at_gil_mark(struct known_stack *s, size_t n, enum counts_format format)
{
	struct strbuf out = STRBUF_EMPTY;
	size_t at = strlen(s->text) - n;
	char *text;

	if (format != COUNTS_TEXT)
		return true;
	strbuf_add(&out, s->text, at);
	put_line(0, &out);
	s->gil_at = at;
	s->gil_n = out.n - at;
	strbuf_str(&out, s->text + at);
	text = take_text(&out);
	if (text == NULL)
		return false;
	free(s->text);
	s->text = text;
	return true;
}

char *at_gil_text(const struct known_stack *s, uint32_t holder, enum counts_format format)
{
	struct strbuf out = STRBUF_EMPTY;

	if (format == COUNTS_JSON) {
		strbuf_fmt(&out, "\"waits_for_gil\":{\"what\":\"GIL\",\"held_by\":%u},%s", holder, s->text);
	} else if (s->gil_n != 0) {
		strbuf_add(&out, s->text, s->gil_at);
		put_line(holder, &out);
		strbuf_str(&out, s->text + s->gil_at + s->gil_n);
	} else {
		strbuf_str(&out, s->text);
	}
	return take_text(&out);
}
