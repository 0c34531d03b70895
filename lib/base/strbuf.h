/* A text builder that never overruns: grows as needed, remembers whether memory ran out. */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *at; /* NUL-terminated once anything was added; NULL before */
	size_t n; /* bytes without the NUL */
	size_t cap;
	bool failed; /* an addition was dropped for want of memory */
};

#define STRBUF_EMPTY              \
	{                         \
		NULL, 0, 0, false \
	}

void strbuf_add(struct strbuf *b, const char *bytes, size_t n);
void strbuf_str(struct strbuf *b, const char *s);
void strbuf_char(struct strbuf *b, char c);
void strbuf_fmt(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Empty it, keeping the memory. */
void strbuf_reset(struct strbuf *b);
void strbuf_free(struct strbuf *b);

/* What was built, "" when nothing; valid until the next addition. */
const char *strbuf_text(const struct strbuf *b);

#endif
