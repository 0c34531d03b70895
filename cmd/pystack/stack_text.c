/* Who prints what:
 *
 *   pystack           14 blanks and a frame, 16 blanks and an annotation; header lines begin in the first column
 *   dtrace, ustack()  the same, with an empty line before; aggregated, a line with the count after it
 *   bpftrace          blanks and `symbol+decimal`; aggregated, between "@[" and "]: count" */
#include "stack_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_INDENT "              "

static bool is_digits(const char *s, size_t n)
{
	return n > 0 && strspn(s, "0123456789") >= n;
}

/* "symbol+79": how bpftrace and others say where in a symbol. */
static bool ends_in_offset(const char *s, size_t n)
{
	size_t digits = 0;

	while (digits < n && s[n - 1 - digits] >= '0' && s[n - 1 - digits] <= '9')
		digits++;
	return digits > 0 && digits < n && s[n - 1 - digits] == '+';
}

/* An address of 8 or more hexadecimal digits, then something: perf's way. */
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

static void finish(struct stack_text *t, uint64_t count)
{
	t->failed |= t->lines.failed;
	if (t->lines.n > 0 && !t->lines.failed)
		t->take(t->data, strbuf_text(&t->lines), t->times == 0 ? count : count * t->times);
	strbuf_reset(&t->lines);
}

/* A number at the end of the line, behind "]: ". */
static bool count_behind(const char *line, size_t n, uint64_t *out)
{
	size_t digits = 0;

	while (digits < n && line[n - 1 - digits] >= '0' && line[n - 1 - digits] <= '9')
		digits++;
	if (digits == 0 || digits > 19 || n < digits + 3 || memcmp(line + n - digits - 3, "]: ", 3) != 0)
		return false;
	*out = strtoull(line + n - digits, NULL, 10);
	return true;
}

void stack_text_line(struct stack_text *t, const char *line, size_t n)
{
	size_t blanks = 0;
	uint64_t count = 1;
	const char *text;

	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\r'))
		n--;
	while (blanks < n && (line[blanks] == ' ' || line[blanks] == '\t'))
		blanks++;
	text = line + blanks;
	if (blanks == 0 || blanks == n) {
		if (blanks == 0 && n > 0)
			(void)count_behind(line, n, &count);
		finish(t, count);
		return;
	}
	n -= blanks;
	if (is_digits(text, n)) {
		if (n <= 19)
			count = strtoull(text, NULL, 10);
		finish(t, count);
		return;
	}
	if (!is_annotation(text, n) && !is_frame(text, n)) {
		finish(t, 1);
		return;
	}
	strbuf_str(&t->lines, is_annotation(text, n) ? FRAME_INDENT "  " : FRAME_INDENT);
	strbuf_add(&t->lines, text, n);
	strbuf_char(&t->lines, '\n');
}

void stack_text_lines(struct stack_text *t, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		stack_text_line(t, line, strlen(line));
}

bool stack_text_end(struct stack_text *t)
{
	finish(t, 1);
	strbuf_free(&t->lines);
	return !t->failed;
}
