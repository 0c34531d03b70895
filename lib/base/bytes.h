/* Functions on bytes and texts that the C libraries of some systems lack. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The last byte c among the n bytes at `at`, or NULL. Same as GNU's memrchr. */
static inline const void *bytes_last(const void *at, unsigned char c, size_t n)
{
	const unsigned char *bytes = at;

	while (n > 0) {
		if (bytes[--n] == c)
			return bytes + n;
	}
	return NULL;
}

/* True if the n bytes of text end with `end`. */
static inline bool bytes_end_with(const char *text, size_t n, const char *end)
{
	size_t length = strlen(end);

	return n >= length && memcmp(text + n - length, end, length) == 0;
}

#endif
