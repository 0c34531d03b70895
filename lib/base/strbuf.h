/* A text builder that grows as needed and records whether memory ran out. */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *at; /* NUL-terminated; NULL before the first addition */
	size_t n; /* bytes without the NUL */
	size_t cap;
	bool failed; /* memory ran out, and an addition was dropped */
};

#define STRBUF_EMPTY              \
	{                         \
		NULL, 0, 0, false \
	}

/* Append n bytes, a string, a character, or formatted text. On failure they set b->failed. */
void strbuf_add(struct strbuf *b, const char *bytes, size_t n);
void strbuf_str(struct strbuf *b, const char *s);
void strbuf_char(struct strbuf *b, char c);
void strbuf_fmt(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Empty it and keep the memory. Clears b->failed. */
void strbuf_reset(struct strbuf *b);

/* Free the memory. The buffer is empty afterwards and can be used again. */
void strbuf_free(struct strbuf *b);

/* The text; "" if it is empty. Valid until the next addition. */
const char *strbuf_text(const struct strbuf *b);

#endif
