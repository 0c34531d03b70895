#include "parsers.h"

#include <string.h>

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
