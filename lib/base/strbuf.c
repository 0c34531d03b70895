/* The text builder. */
#include "base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

void strbuf_add(struct strbuf *b, const char *bytes, size_t n)
{
	void *at = b->at;

	if (n > (size_t)-1 - b->n - 1 || !vec_reserve_bytes(&at, &b->cap, b->n + n + 1, 1)) {
		b->failed = true;
		return;
	}
	b->at = at;
	if (n != 0)
		memcpy(b->at + b->n, bytes, n);
	b->n += n;
	b->at[b->n] = '\0';
}

void strbuf_str(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void strbuf_char(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void strbuf_fmt(struct strbuf *b, const char *fmt, ...)
{
	char small[256];
	char *big;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if ((size_t)n < sizeof(small)) {
		strbuf_add(b, small, (size_t)n);
		return;
	}
	big = malloc((size_t)n + 1);
	if (big == NULL) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(big, (size_t)n + 1, fmt, ap);
	va_end(ap);
	strbuf_add(b, big, (size_t)n);
	free(big);
}

void strbuf_reset(struct strbuf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->at != NULL)
		b->at[0] = '\0';
}

void strbuf_free(struct strbuf *b)
{
	free(b->at);
	*b = (struct strbuf)STRBUF_EMPTY;
}

const char *strbuf_text(const struct strbuf *b)
{
	return b->at == NULL ? "" : b->at;
}
