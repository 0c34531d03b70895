/* See parse.h. */
#include "report/parse.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/escape.h"
#include "base/owned.h"
#include "report/text_color.h"
#include "report/text_locals.h"
#include "report/text_python_source.h"
#include "report/text_state.h"

static bool is_digits(const char *s, size_t n)
{
	return n > 0 && strspn(s, "0123456789") >= n;
}

/* "symbol+79": an offset as bpftrace and others write it. */
static bool ends_in_offset(const char *s, size_t n)
{
	size_t digits = 0;

	while (digits < n && s[n - 1 - digits] >= '0' && s[n - 1 - digits] <= '9')
		digits++;
	return digits > 0 && digits < n && s[n - 1 - digits] == '+';
}

/* An address of 8 or more hexadecimal digits, then more, as perf writes it. */
static bool begins_with_address(const char *s, size_t n)
{
	size_t digits = strspn(s, "0123456789abcdef");

	return digits >= 8 && digits < n && s[digits] == ' ';
}

static bool is_annotation(const char *s, size_t n)
{
	return n > 4 && s[0] == '[' && s[1] == ' ' &&
	       (s[n - 1] == ']' || (s[n - 1] == '?' && s[n - 3] == ']'));
}

static bool is_frame(const char *s, size_t n)
{
	if (memchr(s, ' ', n) == NULL)
		return true;
	return memchr(s, '`', n) != NULL || (s[0] == '(' && s[n - 1] == ')') || ends_in_offset(s, n) ||
	       begins_with_address(s, n);
}

/* --- from lines to items --- */

/* The last ":line (" of an annotation: a file's name may contain one too. NULL: none. */
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

/* Find file (with its line) and function of an annotation, if they can be told apart. */
static void split_python(struct record_quotation *q)
{
	const char *text = q->line.at, *file = text + 2, *line = line_number(text, q->line.n);
	bool unsure = text[q->line.n - 1] == '?';
	const char *end = text + q->line.n - (unsure ? strlen(") ] ?") : strlen(") ]"));
	const char *name = line == NULL ? NULL : strchr(line, '(') + 1;

	/* Foreign text may lack even the end: "[ f:1 (]". */
	if (line == NULL || line < file || end < name)
		return;
	q->file = (struct record_string){ file, (size_t)(name - 2 - file) };
	q->function = (struct record_string){ name, (size_t)(end - name) };
}

/* The length without a source line: " (file:12)". */
static size_t length_without_line(const char *text, size_t n)
{
	size_t digits = 0, at;

	while (digits + 2 < n && text[n - 2 - digits] >= '0' && text[n - 2 - digits] <= '9')
		digits++;
	if (n < 2 || text[n - 1] != ')' || digits == 0 || text[n - 2 - digits] != ':')
		return n;
	for (at = n - 2 - digits; at > 1; at--) {
		if (text[at - 1] == '(' && text[at - 2] == ' ')
			return at - 2;
	}
	return n;
}

/* The length without the offset, "+0x1f" or "+31", and what follows it. */
static size_t plain_length(const char *text, size_t whole)
{
	size_t n = length_without_line(text, whole);
	const char *plus = bytes_last(text, '+', n), *number;
	size_t digits;

	if (plus == NULL || plus == text)
		return n;
	number = plus + 1;
	if (strncmp(number, "0x", 2) == 0)
		number += 2;
	digits = strspn(number, "0123456789abcdef");
	return digits > 0 && number + digits == text + n ? (size_t)(plus - text) : n;
}

/* The stack being read is complete. */
static void end_stack(struct parse *p, uint64_t count)
{
	struct record_thread stack = { .name = "" };
	OWNED(mem_release) struct record_quotation *quotations = calloc(p->lines.n + 1, sizeof(*quotations));
	bool ok = quotations != NULL && !p->text.failed;

	for (size_t i = 0; ok && i < p->lines.n; i++) {
		const struct parse_line *line = &p->lines.at[i];
		const char *text = p->text.at + line->at;
		struct record_quotation *q = &quotations[i];
		struct record_item item = { .kind =
						line->python ? RECORD_QUOTED_PYTHON : RECORD_QUOTED_NATIVE,
			.uncertain = line->python && text[line->n - 1] == '?',
			.quotation = q };

		q->line = (struct record_string){ text, line->n };
		if (line->python)
			split_python(q);
		else
			q->plain_n = plain_length(text, line->n);
		ok = vec_push(&stack.items, item);
	}
	if (ok && stack.items.n > 0)
		p->take(p->data, &stack, count);
	p->failed |= !ok;
	record_thread_free(&stack);
	strbuf_reset(&p->text);
	p->lines.n = 0;
}

/* A number at the end of the line, after "]: ". */
static bool count_after(const char *line, size_t n, uint64_t *out)
{
	size_t digits = 0;

	while (digits < n && line[n - 1 - digits] >= '0' && line[n - 1 - digits] <= '9')
		digits++;
	if (digits == 0 || digits > 19 || n < digits + 3 || memcmp(line + n - digits - 3, "]: ", 3) != 0)
		return false;
	*out = strtoull(line + n - digits, NULL, 10);
	return true;
}

static void add_line(struct parse *p, const char *text, size_t n)
{
	struct parse_line line = { .at = p->text.n, .python = is_annotation(text, n) };

	/* dtrace and bpftrace print names as they are. What pystack has escaped stays as it is. */
	escape_controls(&p->text, text, n);
	line.n = p->text.n - line.at;
	/* A NUL ends the line for functions that read strings. */
	strbuf_add(&p->text, "", 1);
	p->text.failed |= !vec_push(&p->lines, line);
}

static void parse_plain(struct parse *p, const char *line, size_t n)
{
	size_t spaces = 0;
	uint64_t count = 1;
	bool headed = p->headed;
	const char *text;

	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\r'))
		n--;
	while (spaces < n && (line[spaces] == ' ' || line[spaces] == '\t'))
		spaces++;
	text = line + spaces;
	p->headed = spaces == 0 && n > 0;
	if (spaces == 0 || spaces == n) {
		if (spaces == 0 && n > 0)
			(void)count_after(line, n, &count);
		end_stack(p, count);
		return;
	}
	n -= spaces;
	if (headed && text_is_state(text, n))
		return;
	if (p->lines.n > 0 && p->lines.at[p->lines.n - 1].python &&
	    (text_is_local(text, n, spaces) || text_is_python_source(text, n, spaces)))
		return;
	if (is_digits(text, n)) {
		if (n <= 19)
			count = strtoull(text, NULL, 10);
		end_stack(p, count);
	} else if (is_annotation(text, n) || is_frame(text, n)) {
		add_line(p, text, n);
	} else {
		end_stack(p, 1);
	}
}

void parse_line(struct parse *p, const char *line, size_t n)
{
	struct strbuf plain = STRBUF_EMPTY;

	if (n == 0 || memchr(line, '\033', n) == NULL) {
		parse_plain(p, line, n);
		return;
	}
	text_uncolored(line, n, &plain);
	if (!plain.failed)
		parse_plain(p, strbuf_text(&plain), plain.n);
	p->failed |= plain.failed;
	strbuf_free(&plain);
}

void parse_finish(struct parse *p)
{
	end_stack(p, 1);
	strbuf_free(&p->text);
	vec_free(&p->lines);
}
