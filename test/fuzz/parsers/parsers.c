#include "parsers.h"

#include <string.h>
#include <time.h>

/* Instead of the C library's: what is read changes only between inputs, so that waits are in vain. */
int nanosleep(const struct timespec *request, struct timespec *rest)
{
	(void)request;
	(void)rest;
	return 0;
}

void *fuzz_copy(const void *data, size_t n)
{
	void *copy = malloc(n == 0 ? 1 : n);

	fuzz_must(copy != NULL);
	if (n > 0)
		memcpy(copy, data, n);
	return copy;
}

void fuzz_check_printed(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		fuzz_must(c >= ' ' || c == '\n' || c == '\t');
		fuzz_must(c != 0x7f);
	}
}
