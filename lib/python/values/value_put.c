/* The text of a value, with its limit. */
#include "python/values/value_put.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/escape.h"
#include "python/values/value.h"

void value_put_n(struct value_writer *w, const char *text, size_t n)
{
	size_t room = w->v->limits.bytes - w->out.n;

	if (w->full || w->v->left == 0) {
		w->full = true;
		return;
	}
	if (n > room) {
		w->full = true;
		for (n = room; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
			;
	}
	strbuf_add(&w->out, text, n);
}

void value_put(struct value_writer *w, const char *text)
{
	value_put_n(w, text, strlen(text));
}

void value_put_fmt(struct value_writer *w, const char *fmt, ...)
{
	char text[128];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n > 0)
		value_put_n(w, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void value_put_piece(struct value_writer *w, const char *text, size_t n)
{
	if (n > w->v->limits.bytes - w->out.n)
		w->full = true;
	value_put_n(w, text, n);
}

void value_put_escape(struct value_writer *w, char letter, int width, unsigned c)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "\\%c%0*x", letter, width, c);

	if (n > 0)
		value_put_piece(w, text, (size_t)n);
}

void value_put_unreadable(struct value_writer *w, uint64_t addr)
{
	w->v->unreadable++;
	value_put_fmt(w, "<unreadable at %#llx>", (unsigned long long)addr);
}

void value_put_name(struct value_writer *w, const char *text, size_t n)
{
	struct strbuf escaped = STRBUF_EMPTY;

	escape_text(&escaped, text, n, false);
	value_put_n(w, strbuf_text(&escaped), escaped.n);
	strbuf_free(&escaped);
}
