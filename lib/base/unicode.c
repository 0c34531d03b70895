/* See unicode.h. */
#include "base/unicode.h"

#include <stddef.h>

#include "base/unicode_table.h"

static bool is_in(const struct unicode_range *ranges, size_t n, uint32_t c)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (c < ranges[middle].first)
			n = middle;
		else if (c > ranges[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

#define IS_IN(ranges, c) is_in(ranges, sizeof(ranges) / sizeof((ranges)[0]), c)

bool unicode_is_invisible(uint32_t c)
{
	return c >= invisible[0].first && IS_IN(invisible, c);
}

bool unicode_is_printable(uint32_t c)
{
	return c <= 0x10ffff && !IS_IN(unprintable, c);
}
