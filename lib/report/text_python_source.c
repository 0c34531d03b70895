/* See text_python_source.h. */
#include "report/text_python_source.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "base/escape.h"
#include "report/python_source.h"

/* Of a line; the rest is left out. Characters may have no width. */
enum { COLUMNS_MAX = 400, BYTES_MAX = 4096 };

/* A line, and the bytes of it that are marked. */
struct shown {
	const struct py_source_line *line;
	size_t from;      /* what is before is the indentation of all lines */
	size_t mark, end; /* empty: none */
};

/* --- characters --- */

/* The length of the character at text, and its number. What is not UTF-8 is single bytes. */
static size_t take_character(const char *text, size_t n, wchar_t *c)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = s[0] < 0xc2 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 1;
	unsigned long value = len == 1 ? s[0] : s[0] & (0x7fU >> len);

	if (len > n)
		len = 1;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			len = 1;
		value = value << 6 | (s[i] & 0x3fU);
	}
	*c = len == 1 ? (wchar_t)s[0] : (wchar_t)value;
	return len;
}

/* The columns that the n bytes at text took in the output, which begins at `from`. */
static size_t columns_of(wchar_t c, const char *text, size_t n, const struct strbuf *out, size_t from)
{
	int width;

	if (out->failed || out->n - from != n || memcmp(out->at + from, text, n) != 0)
		return out->n - from; /* escaped */
	if (c < 0x80)
		return 1;
	width = wcwidth(c);
	return width < 0 ? 1 : (size_t)width;
}

/* Write a line, and to marks what goes below it. True: it was cut. */
static bool put_characters(const struct shown *l, struct strbuf *out, struct strbuf *marks)
{
	size_t columns = 0, i = l->from;

	while (i < l->line->n && columns < COLUMNS_MAX && i - l->from < BYTES_MAX) {
		size_t from = out->n, len, width;
		wchar_t c;

		len = take_character(l->line->text + i, l->line->n - i, &c);
		if (c == '\t') {
			strbuf_char(out, '\t');
			strbuf_char(marks, '\t');
			columns++;
			i++;
			continue;
		}
		escape_controls(out, l->line->text + i, len);
		width = columns_of(c, l->line->text + i, len, out, from);
		for (size_t k = 0; k < width; k++)
			strbuf_char(marks, i >= l->mark && i < l->end ? '^' : ' ');
		columns += width;
		i += len;
	}
	return i < l->line->n;
}

/* --- lines --- */

static size_t blanks_of(const struct py_source_line *line)
{
	size_t n = 0;

	while (n < line->n && (line->text[n] == ' ' || line->text[n] == '\t' || line->text[n] == '\f'))
		n++;
	return n;
}

/* The length without spaces at the end. */
static size_t length_of(const struct py_source_line *line)
{
	size_t n = line->n;

	while (n > 0 && (line->text[n - 1] == ' ' || line->text[n - 1] == '\t' || line->text[n - 1] == '\f'))
		n--;
	return n;
}

/* The indentation that all lines with text share, byte by byte. */
static size_t common_indentation(const struct py_source *s)
{
	const struct py_source_line *first = NULL;
	size_t common = 0;

	for (unsigned i = 0; i < s->n; i++) {
		size_t blanks = blanks_of(&s->at[i]), same = 0;

		if (blanks == s->at[i].n)
			continue;
		if (first == NULL) {
			first = &s->at[i];
			common = blanks;
		}
		while (same < common && same < blanks && s->at[i].text[same] == first->text[same])
			same++;
		common = same;
	}
	return common;
}

/* The marked part of line i; false: that is all of it. */
static bool mark_line(const struct frame_source *f, unsigned i, struct shown *out)
{
	const struct py_source_line *line = &f->source.at[i];
	size_t blanks = blanks_of(line), length = length_of(line);
	bool last = f->at.line + (int32_t)i == f->at.end_line;

	out->mark = i == 0 ? (size_t)f->at.column : blanks;
	out->end = last ? (size_t)f->at.end_column : length;
	if (out->end > length)
		out->end = length;
	return out->mark > blanks || out->end < length;
}

static void put_line(const struct shown *l, const char *gutter, struct strbuf *out)
{
	struct strbuf marks = STRBUF_EMPTY;
	bool cut;

	strbuf_str(out, gutter);
	cut = put_characters(l, out, &marks);
	strbuf_str(out, cut ? "...\n" : "\n");
	while (marks.n > 0 && (marks.at[marks.n - 1] == ' ' || marks.at[marks.n - 1] == '\t'))
		marks.n--;
	if (l->end > l->mark && marks.n > 0) {
		strbuf_str(out, gutter);
		strbuf_add(out, marks.at, marks.n);
		strbuf_char(out, '\n');
	}
	out->failed |= marks.failed;
	strbuf_free(&marks);
}

static void put_lines(const struct frame_source *f, struct strbuf *out)
{
	const struct py_source *s = &f->source;
	const char *gutter = s->doubts != 0 ? TEXT_SOURCE_INDENT "? " : TEXT_SOURCE_INDENT "| ";
	struct shown shown[PY_SOURCE_LINES];
	size_t common = common_indentation(s);
	bool partly = false;

	for (unsigned i = 0; i < s->n; i++) {
		shown[i] =
		    (struct shown){ .line = &s->at[i], .from = common < s->at[i].n ? common : s->at[i].n };
		if (f->at.column >= 0)
			partly |= mark_line(f, i, &shown[i]);
	}
	for (unsigned i = 0; i < s->n; i++) {
		if (!partly)
			shown[i].mark = shown[i].end = 0;
		put_line(&shown[i], gutter, out);
	}
	if (s->more)
		strbuf_fmt(out, "%s...\n", gutter);
	if ((s->doubts & PY_SOURCE_SHORT) != 0)
		strbuf_fmt(out, "%s(the file has no such line)\n", gutter);
}

void text_python_source(const struct record_thread *t, const struct record_item *item, struct strbuf *out)
{
	struct frame_source f;
	locale_t wide, old;

	if (!frame_source(t, item, &f))
		return;
	/* For the widths of characters. */
	wide = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	old = wide == (locale_t)0 ? (locale_t)0 : uselocale(wide);
	put_lines(&f, out);
	if (wide != (locale_t)0) {
		(void)uselocale(old);
		freelocale(wide);
	}
}

bool text_is_python_source(const char *text, size_t n, size_t blanks)
{
	return blanks == strlen(TEXT_SOURCE_INDENT) && (text[0] == '|' || text[0] == '?') &&
	       (n == 1 || text[1] == ' ');
}
