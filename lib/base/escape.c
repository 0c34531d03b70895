/* Printable names. The decoder is strict (no overlong forms, nothing above U+10FFFF), but accepts
 * surrogates, so that they can be shown by number. */
#include "base/escape.h"

#include <stdint.h>

#include "base/unicode.h"

/* Decode one sequence. Returns its length, or 0 if the first byte does not start a valid one. */
static size_t utf8_decode(const uint8_t *s, size_t n, uint32_t *cp)
{
	size_t len;
	uint32_t c;

	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		len = 2;
		c = s[0] & 0x1fU;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		len = 3;
		c = s[0] & 0x0fU;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		len = 4;
		c = s[0] & 0x07U;
	} else {
		return 0;
	}
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0U) != 0x80)
			return 0;
		c = (c << 6) | (s[i] & 0x3fU);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	*cp = c;
	return len;
}

/* The number of leading bytes of s that are ASCII and need no escape: usually all of them. */
static size_t plain_length(const uint8_t *s, size_t n, bool bracket)
{
	size_t i = 0;

	while (i < n && s[i] >= 0x20 && s[i] < 0x7f && s[i] != '\\' && (s[i] != '[' || !bracket))
		i++;
	return i;
}

bool escape_invalid(struct strbuf *b, const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text;
	bool deceptive = false;

	while (n > 0) {
		uint32_t c = 0;
		size_t len = utf8_decode(s, n, &c);

		if (len == 0)
			strbuf_fmt(b, "\\udc%02x", s[0]);
		else if (c == '\\')
			strbuf_str(b, "\\\\");
		else if (c >= 0xd800 && c <= 0xdfff)
			strbuf_fmt(b, "\\u%04x", c);
		else
			strbuf_add(b, (const char *)s, len);
		deceptive |= len != 0 && ((c >= 0x7f && c <= 0x9f) || unicode_is_invisible(c));
		len += len == 0;
		s += len;
		n -= len;
	}
	return deceptive;
}

/* Write the code point c, of len bytes at s, or the byte there (len 0), so that it can be seen. */
static void put_code_point(struct strbuf *b, const uint8_t *s, size_t len, uint32_t c, bool bracket)
{
	if (len == 0)
		strbuf_fmt(b, "\\x%02x", s[0]);
	else if (c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c == '[' && bracket))
		strbuf_fmt(b, "\\x%02x", c);
	else if ((c >= 0xd800 && c <= 0xdfff) || unicode_is_invisible(c))
		strbuf_fmt(b, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
	else
		strbuf_add(b, (const char *)s, len);
}

void escape_controls(struct strbuf *b, const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text;

	while (n > 0) {
		uint32_t c = 0;
		size_t plain = plain_length(s, n, false), len;

		strbuf_add(b, (const char *)s, plain);
		s += plain;
		n -= plain;
		if (n == 0)
			return;
		len = utf8_decode(s, n, &c);
		put_code_point(b, s, len, c, false);
		len += len == 0;
		s += len;
		n -= len;
	}
}

void escape_text(struct strbuf *b, const char *text, size_t n, bool bracket)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t done = 0;

	while (n > 0) {
		uint32_t c = 0;
		size_t len = plain_length(s, n < ESCAPE_LIMIT - done ? n : ESCAPE_LIMIT - done, bracket);

		if (len > 0) {
			strbuf_add(b, (const char *)s, len);
			done += len;
			s += len;
			n -= len;
			continue;
		}
		len = utf8_decode(s, n, &c);
		if (done++ == ESCAPE_LIMIT) {
			strbuf_str(b, "...");
			return;
		}
		if (len != 0 && c == '\\')
			strbuf_str(b, "\\\\");
		else
			put_code_point(b, s, len, c, bracket);
		len += len == 0;
		s += len;
		n -= len;
	}
}
