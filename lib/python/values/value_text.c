/* Strings as values: characters and bytes, escaped as repr() does. */
#include "python/values/value_text.h"

#include "base/owned.h"
#include "base/unicode.h"
#include "python/objects/py_text.h"
#include "python/py_symbol.h"
#include "python/values/value.h"
#include "python/values/value_put.h"
#include "python/values/value_read.h"

/* Write a character of ASCII, or a byte, within quotes. */
static void put_ascii(struct value_writer *w, uint8_t c, char quote)
{
	char text[3] = { '\\', (char)c, '\0' };

	if (c == '\n' || c == '\r' || c == '\t') {
		text[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
		value_put_piece(w, text, 2);
	} else if (c == '\\' || c == (uint8_t)quote) {
		value_put_piece(w, text, 2);
	} else if (c < 0x20 || c >= 0x7f) {
		value_put_escape(w, 'x', 2, c);
	} else {
		value_put_n(w, text + 1, 1);
	}
}

/* The quote that repr() would take, by the part of the text that is known. */
static char choose_quote(const char *text, size_t n)
{
	return memchr(text, '\'', n) != NULL && memchr(text, '"', n) == NULL ? '"' : '\'';
}

/* Does repr() escape it, or can it not be seen? */
static bool is_escaped(uint32_t c)
{
	return !unicode_is_printable(c) || unicode_is_invisible(c);
}

/* \xNN, \uNNNN or \UNNNNNNNN, as repr() chooses. */
static void put_escaped(struct value_writer *w, uint32_t c)
{
	if (c < 0x100)
		value_put_escape(w, 'x', 2, c);
	else if (c < 0x10000)
		value_put_escape(w, 'u', 4, c);
	else
		value_put_escape(w, 'U', 8, c);
}

/* The character at `at`, of *n bytes; the text is what py_text_read has made. */
static uint32_t utf8_char(const uint8_t *at, size_t *n)
{
	uint32_t c = *at;

	*n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (*n > 1)
		c &= 0x7fU >> *n;
	for (size_t i = 1; i < *n; i++)
		c = c << 6 | (at[i] & 0x3fU);
	return c;
}

static void put_chars(struct value_writer *w, const struct py_string *s)
{
	char quote = choose_quote(s->text, s->n);
	size_t n;

	value_put_n(w, &quote, 1);
	for (size_t i = 0; i < s->n && !w->full; i += n) {
		uint32_t c = utf8_char((const uint8_t *)s->text + i, &n);

		if (c < 0x80)
			put_ascii(w, (uint8_t)c, quote);
		else if (is_escaped(c))
			put_escaped(w, c);
		else
			value_put_n(w, s->text + i, n);
	}
	value_put_n(w, &quote, 1);
}

/* The characters of a unicode object of 2.x (Include/unicodeobject.h): a length and a pointer. */
static bool locate_unicode(struct py_values *v, uint64_t addr, struct py_text_chars *out)
{
	const struct py_layout *l = &v->rt->layout;
	uint64_t length = 0;

	*out = (struct py_text_chars){ .width = value_char_width(v) };
	out->pairs = out->width == 2;
	if (out->width == 0 || !value_read(v, &length, l->size_width, addr + py_head_size(l)) ||
	    !value_read_word(v, addr + py_head_size(l) + l->word, &out->at))
		return false;
	out->length = length;
	return true;
}

unsigned value_char_width(struct py_values *v)
{
	if (v->rt->layout.char_width != 0)
		return v->rt->layout.char_width;
	if (v->rt->object == NULL)
		return 0;
	if (py_symbol_address(v->P, v->rt->object, "PyUnicodeUCS2_AsUTF8String") != 0)
		v->rt->layout.char_width = 2;
	else if (py_symbol_address(v->P, v->rt->object, "PyUnicodeUCS4_AsUTF8String") != 0)
		v->rt->layout.char_width = 4;
	return v->rt->layout.char_width;
}

void value_write_str(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	struct py_values *v = w->v;
	struct py_text_chars chars;
	struct py_string text;

	(void)t;
	if (!(v->rt->layout.texts == PY_TEXT_BYTES ? locate_unicode(v, addr, &chars)
						   : py_text_locate(v->P, &v->rt->layout, addr, &chars))) {
		value_put_unreadable(w, addr);
		return;
	}
	/* What is beyond the limit is not needed: a character takes a byte at least. */
	if (chars.length > v->limits.bytes + 2)
		chars.length = v->limits.bytes + 2;
	if (!value_charge(v, chars.length * chars.width) ||
	    py_text_read_chars(v->P, &chars, &text, NULL) != RES_OK) {
		value_put_unreadable(w, addr);
		return;
	}
	if (v->rt->layout.texts == PY_TEXT_BYTES)
		value_put(w, "u");
	put_chars(w, &text);
	free(text.text);
}

void value_put_bytes(struct value_writer *w, uint64_t at, uint64_t size, const struct value_literal *literal)
{
	OWNED(mem_release) char *bytes = NULL;
	size_t n = size < w->v->limits.bytes + 2 ? (size_t)size : w->v->limits.bytes + 2;
	char quote;

	bytes = calloc(1, n + 1);
	if (bytes == NULL || (n != 0 && !value_read(w->v, bytes, n, at))) {
		value_put_unreadable(w, at);
		return;
	}
	quote = choose_quote(bytes, n);
	value_put(w, literal->prefix);
	value_put_n(w, &quote, 1);
	for (size_t i = 0; i < n; i++)
		put_ascii(w, (uint8_t)bytes[i], bytes[i] == '\'' && literal->single ? '\'' : quote);
	value_put_n(w, &quote, 1);
}

void value_write_bytes(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	struct value_literal literal = { .prefix = value_is_before(w, 3, 0) ? "" : "b" };
	uint64_t at, size;

	(void)t;
	if (py_bytes_where(w->v->P, value_layout(w), addr, &at, &size) != RES_OK)
		value_put_unreadable(w, addr);
	else
		value_put_bytes(w, at, size, &literal);
}

bool value_is_text(struct py_values *v, uint64_t addr, const char *text)
{
	struct py_string its;
	bool same;

	if (!value_charge(v, 256) || py_text_read(v->P, v->rt, addr, &its, NULL) != RES_OK)
		return false;
	same = strcmp(its.text, text) == 0;
	free(its.text);
	return same;
}
