/* Counting stacks by their text. */
#include "counts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/strbuf.h"

struct frame_text {
	const char *at;
	size_t n;
	bool python;
};
typedef VEC(struct frame_text) frame_texts;

static bool split(const char *lines, frame_texts *out)
{
	out->n = 0;
	while (*lines != '\0') {
		size_t blanks = strspn(lines, " "), n = strcspn(lines, "\n");
		struct frame_text one = { lines + blanks, n - blanks, lines[blanks] == '[' };

		if (!vec_push(out, one))
			return false;
		lines += n + (lines[n] == '\n');
	}
	return true;
}

/* A ';' of a name would end it; and the first " (" of a Python frame is to be that before its file. */
static void put_name(struct strbuf *out, const char *text, size_t n, bool python)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == ';' || (python && text[i] == '(' && i > 0 && text[i - 1] == ' '))
			strbuf_fmt(out, "\\x%02x", (unsigned)text[i]);
		else
			strbuf_char(out, text[i]);
	}
}

/* Where a stack ends in a blank and a number, readers take that for a second count: the blank is written as a number. */
static void end_stack(struct strbuf *out)
{
	char number[64];
	size_t n = 0;

	while (n < out->n && strchr("0123456789.", out->at[out->n - 1 - n]) != NULL)
		n++;
	if (n == 0 || n >= sizeof(number) || n == out->n || strchr(" \t", out->at[out->n - 1 - n]) == NULL)
		return;
	memcpy(number, out->at + out->n - n, n);
	out->n -= n + 1;
	strbuf_fmt(out, "\\x%02x%.*s", (unsigned)out->at[out->n], (int)n, number);
}

/* Where ":line (" of an annotation begins: the last one, since a file's name may hold such too. */
static const char *line_number(const char *text, size_t n)
{
	const char *found = NULL;

	for (size_t i = 0; i + 3 < n; i++) {
		size_t digits = text[i] == ':' ? strspn(text + i + 1, "0123456789") : 0;

		if (digits > 0 && i + digits + 2 < n && memcmp(text + i + 1 + digits, " (", 2) == 0)
			found = text + i;
	}
	return found;
}

/* "[ file:line (name) ]" as "name (file:line)", a mark behind it kept. */
static void put_python(struct strbuf *out, const struct frame_text *f)
{
	bool unsure = f->at[f->n - 1] == '?';
	const char *end = f->at + f->n - (unsure ? strlen(") ] ?") : strlen(") ]"));
	const char *file = f->at + 2, *line = line_number(f->at, f->n);
	const char *name = line == NULL ? NULL : strchr(line, '(') + 1;

	/* Of a text from elsewhere not even the end is sure: "[ f:1 (]". */
	if (line == NULL || line < file || end < name) {
		put_name(out, f->at, f->n, false);
		return;
	}
	put_name(out, name, (size_t)(end - name), true);
	strbuf_str(out, " (");
	put_name(out, file, (size_t)(name - 2 - file), false);
	strbuf_str(out, unsure ? ") ?" : ")");
}

/* Without the offset: "+0x1f", or "+31". */
static void put_native(struct strbuf *out, const struct frame_text *f)
{
	size_t n = f->n, digits;
	const char *plus = bytes_last(f->at, '+', n);

	if (plus != NULL && plus > f->at) {
		const char *number = plus + 1;

		if (strncmp(number, "0x", 2) == 0)
			number += 2;
		digits = strspn(number, "0123456789abcdef");
		if (digits > 0 && number + digits == f->at + n)
			n = (size_t)(plus - f->at);
	}
	put_name(out, f->at, n, false);
}

/* What a stack's lines are counted by. */
static bool fold(struct strbuf *out, const char *lines)
{
	frame_texts list = VEC_EMPTY;
	const frame_texts *frames = &list;
	bool ok = split(lines, &list);
	size_t end = ok ? frames->n : 0;

	/* A native frame, then the Python frames that it runs, oldest first. */
	while (end > 0) {
		size_t first = end - 1;

		while (first > 0 && frames->at[first].python)
			first--;
		if (!frames->at[first].python) {
			put_native(out, &frames->at[first]);
			strbuf_char(out, ';');
		}
		for (size_t k = end; k-- > first;) {
			if (!frames->at[k].python)
				continue;
			put_python(out, &frames->at[k]);
			strbuf_char(out, ';');
		}
		end = first;
	}
	vec_free(&list);
	if (out->n > 0)
		out->at[--out->n] = '\0'; /* the last ';' */
	end_stack(out);
	return ok && !out->failed;
}

static void count_text(struct counts *c, const char *text, uint64_t count)
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
	if (new.text != NULL && c->at.n < UINT32_MAX &&addrmap_put(&c->index, hash, (uint32_t)c->at.n) &&
	    vec_push(&c->at, new))
		return;
	free(new.text);
	c->failed = true;
}

void counts_take(void *counts, const char *lines, uint64_t count)
{
	struct counts *c = counts;
	struct strbuf folded = STRBUF_EMPTY;

	if (!c->folded)
		count_text(c, lines, count);
	else if (!fold(&folded, lines))
		c->failed = true;
	else if (folded.n > 0)
		count_text(c, folded.at, count);
	strbuf_free(&folded);
}

/* Of equal ones that which was seen first comes later, nearer to the frequent ones. */
static int by_count(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return (x->order < y->order) - (x->order > y->order);
}

/* Sorts them (the index is of no use after that), and gives the first to print. */
static size_t sorted(struct counts *c, size_t top)
{
	if (c->at.n > 0)
		qsort(c->at.at, c->at.n, sizeof(c->at.at[0]), by_count);
	addrmap_clear(&c->index);
	return top == 0 || top > c->at.n ? 0 : c->at.n - top;
}

void counts_print(struct counts *c, size_t top, FILE *out)
{
	for (size_t i = sorted(c, top); i < c->at.n; i++)
		(void)fprintf(out, c->folded ? "%s %" PRIu64 "\n" : "\n%s %16" PRIu64 "\n", c->at.at[i].text,
		    c->at.at[i].count);
}

void counts_free(struct counts *c)
{
	for (size_t i = 0; i < c->at.n; i++)
		free(c->at.at[i].text);
	vec_free(&c->at);
	addrmap_free(&c->index);
}
