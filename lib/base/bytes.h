/* Functions on bytes that the C libraries of some systems lack. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>

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

#endif
