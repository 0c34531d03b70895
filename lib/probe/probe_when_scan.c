/* Characters, numbers and texts of a condition (probe_when.h). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/strbuf.h"
#include "probe/probe_when_impl.h"

enum { SHOWN = 24 }; /* bytes of the condition in a message */

enum res when_fail(const struct when_parse *p, const char *at, const char *fmt, ...)
{
	char text[sizeof(p->f->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fault_set(p->f, 0, 0, 0, "character %zu: %s", (size_t)(at - p->text) + 1, text);
}

enum res when_expected(const struct when_parse *p, const char *at, const char *what)
{
	struct strbuf found = STRBUF_EMPTY;
	size_t n = 0;

	/* A text, a word or a number, or one character. */
	if (*at != '\0')
		n = 1 + strcspn(at + 1, *at == '"' ? "\"" : " \t\n()&|!\"");
	if (*at == '"' && at[n] == '"')
		n++;
	n = n < SHOWN ? n : SHOWN;
	escape_text(&found, at, n, false);
	if (n == 0)
		(void)when_fail(p, at, "expected %s, found the end", what);
	else
		(void)when_fail(p, at, "expected %s, found %s", what, strbuf_text(&found));
	strbuf_free(&found);
	return RES_FAIL;
}

void when_skip_spaces(struct when_parse *p)
{
	p->at += strspn(p->at, " \t\n");
}

bool when_take(struct when_parse *p, const char *token)
{
	size_t n = strlen(token);

	when_skip_spaces(p);
	if (strncmp(p->at, token, n) != 0)
		return false;
	p->at += n;
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool when_take_word(struct when_parse *p, struct when_word *out)
{
	size_t n = 0;

	when_skip_spaces(p);
	if (!is_letter(*p->at))
		return false;
	while (is_letter(p->at[n]) || is_digit(p->at[n]) || p->at[n] == '.')
		n++;
	*out = (struct when_word){ p->at, n };
	p->at += n;
	return true;
}

bool when_word_is(const struct when_word *word, const char *name)
{
	return strlen(name) == word->n && memcmp(word->at, name, word->n) == 0;
}

/* The value of a digit; 255: none. */
static unsigned digit_value(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 255;
}

/* The bits by which a suffix shifts; 0: there is none. */
static unsigned suffix_shift(char c)
{
	switch (c) {
	case 'K':
	case 'k':
		return 10;
	case 'M':
	case 'm':
		return 20;
	case 'G':
	case 'g':
		return 30;
	default:
		return 0;
	}
}

/* The base of the number at *at, which goes to its first digit. */
static unsigned number_base(const char **at)
{
	const char *s = *at;

	if (s[0] != '0')
		return 10;
	if (s[1] == 'x' || s[1] == 'X') {
		*at += 2;
		return 16;
	}
	if (s[1] == 'o' || s[1] == 'O') {
		*at += 2;
		return 8;
	}
	return is_digit(s[1]) ? 8 : 10;
}

enum res when_take_number(struct when_parse *p, struct when_number *out)
{
	struct when_number number = { 0 };
	const char *at, *first;
	unsigned base, shift;

	when_skip_spaces(p);
	at = number.at = p->at;
	if (*at == '-') {
		number.negative = true;
		at++;
	}
	base = number_base(&at);
	number.is_bits = base != 10;
	for (first = at; digit_value(*at) < base; at++) {
		if (__builtin_mul_overflow(number.magnitude, base, &number.magnitude) ||
		    __builtin_add_overflow(number.magnitude, digit_value(*at), &number.magnitude))
			return when_expected(p, number.at, "a number of 64 bits");
	}
	shift = suffix_shift(*at);
	if (at == first || is_letter(at[shift != 0]) || is_digit(at[shift != 0]) || at[shift != 0] == '.')
		return when_expected(p, number.at, "a number");
	if (number.magnitude > UINT64_MAX >> shift)
		return when_expected(p, number.at, "a number of 64 bits");
	number.magnitude <<= shift;
	number.negative = number.negative && number.magnitude != 0;
	p->at = at + (shift != 0);
	number.n = (size_t)(p->at - number.at);
	*out = number;
	return RES_OK;
}

/* The byte of an escape, after its backslash. */
static enum res take_escape(struct when_parse *p, uint8_t *out)
{
	static const char names[] = "\"\\*ntr", bytes[] = "\"\\*\n\t\r";
	const char *at = p->at, *name = *at == '\0' ? NULL : strchr(names, *at);
	unsigned value = 0, n = 0;

	if (name != NULL) {
		*out = (uint8_t)bytes[name - names];
		p->at++;
		return RES_OK;
	}
	if (*at == 'x') {
		for (at++; n < 2 && digit_value(at[n]) < 16; n++)
			value = value * 16 + digit_value(at[n]);
	} else {
		for (; n < 3 && digit_value(at[n]) < 8; n++)
			value = value * 8 + digit_value(at[n]);
	}
	if (n == 0)
		return when_expected(p, p->at, "one of \" \\ * n t r x or octal digits after the backslash");
	if (value == 0 || value > 255)
		return when_expected(p, p->at, "a byte from 1 to 255 (a text ends at its NUL)");
	*out = (uint8_t)value;
	p->at = at + n;
	return RES_OK;
}

/* An asterisk without a backslash, which precedes p->at. */
static enum res take_asterisk(struct when_parse *p, bool is_pattern, bool is_first, struct when_text *out)
{
	if (!is_pattern)
		return when_fail(p, p->at - 1,
		    "== and != compare with the asterisk itself: write ~ or !~ for a pattern, else \\*");
	if (is_first)
		out->open_start = true;
	else if (*p->at == '"')
		out->open_end = true;
	else
		return when_fail(p, p->at - 1,
		    "an asterisk can be at the start and at the end of a pattern only; \\* is a character");
	return RES_OK;
}

enum res when_take_text(struct when_parse *p, bool is_pattern, struct when_text *out)
{
	struct when_text text = { 0 };
	const char *quote, *start, *at;

	when_skip_spaces(p);
	quote = p->at;
	if (*quote != '"')
		return when_expected(p, quote, "a text in double quotes");
	start = ++p->at;
	while (*(at = p->at) != '"') {
		uint8_t byte = (uint8_t)*at;

		if (*at == '\0')
			return when_fail(p, at, "expected the \" that ends the text of character %zu",
			    (size_t)(quote - p->text) + 1);
		p->at++;
		if (*at == '*') {
			if (take_asterisk(p, is_pattern, at == start, &text) != RES_OK)
				return RES_FAIL;
			continue;
		}
		if (*at == '\\' && take_escape(p, &byte) != RES_OK)
			return RES_FAIL;
		if (text.n == sizeof(text.byte))
			return when_fail(p, at, "a text has at most %d bytes; a pattern can be shorter",
			    PROBE_WHEN_PATTERN);
		text.byte[text.n++] = byte;
	}
	p->at++;
	*out = text;
	return RES_OK;
}
