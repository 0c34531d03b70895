/* A cursor over untrusted bytes. Every function checks the end first; if too few bytes are left, it
 * returns false and consumes nothing. Integers are in the machine's byte order. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *at;
	const uint8_t *end;
};

/* The n bytes at `bytes`, which are borrowed; NULL: an empty span. */
static inline struct span span_of(const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	return (struct span){ at, at == NULL ? NULL : at + n };
}

/* The number of bytes that are left. */
static inline size_t span_left(const struct span *s)
{
	return (size_t)(s->end - s->at);
}

/* Copy the next n bytes to out. */
static inline bool span_take(struct span *s, void *out, size_t n)
{
	if (span_left(s) < n)
		return false;
	if (n != 0) {
		memcpy(out, s->at, n);
		s->at += n;
	}
	return true;
}

/* Skip the next n bytes. */
static inline bool span_skip(struct span *s, size_t n)
{
	if (span_left(s) < n)
		return false;
	if (n != 0) /* an empty span may be NULL, and arithmetic on NULL is undefined */
		s->at += n;
	return true;
}

/* Take the next n bytes as a separate span. */
static inline bool span_cut(struct span *s, size_t n, struct span *out)
{
	if (span_left(s) < n)
		return false;
	*out = (struct span){ s->at, s->at };
	if (n != 0) {
		out->end = s->at + n;
		s->at += n;
	}
	return true;
}

/* Take the next integer. */
static inline bool span_u8(struct span *s, uint8_t *out)
{
	return span_take(s, out, sizeof(*out));
}

static inline bool span_u16(struct span *s, uint16_t *out)
{
	return span_take(s, out, sizeof(*out));
}

static inline bool span_u32(struct span *s, uint32_t *out)
{
	return span_take(s, out, sizeof(*out));
}

static inline bool span_u64(struct span *s, uint64_t *out)
{
	return span_take(s, out, sizeof(*out));
}

/* Take a NUL-terminated string; *out points into the span. False: there is no NUL. */
static inline bool span_cstr(struct span *s, const char **out)
{
	const uint8_t *nul = span_left(s) == 0 ? NULL : memchr(s->at, 0, span_left(s));

	if (nul == NULL)
		return false;
	*out = (const char *)s->at;
	s->at = nul + 1;
	return true;
}

#endif
