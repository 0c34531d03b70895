/* See at_threads.h. */
#include "at_threads.h"

#include <limits.h>
#include <stdlib.h>

bool at_threads_parse(const char *set, struct probe_threads *out)
{
	out->n = 0;
	for (const char *at = set;; at++) {
		struct probe_range *r = &out->at[out->n];
		char *end = (char *)(uintptr_t)at;
		uint32_t swap;

		if (out->n == PROBE_RANGES)
			return false;
		r->lo = *at == '-' ? 0 : (uint32_t)strtoul(at, &end, 10);
		r->hi = r->lo;
		if (*end == '-') {
			at = end + 1;
			r->hi = (uint32_t)strtoul(at, &end, 10);
			if (end == at)
				r->hi = INT_MAX;
		}
		if (r->hi < r->lo) {
			swap = r->lo;
			r->lo = r->hi;
			r->hi = swap;
		}
		out->n++;
		at = end;
		if (*at != ',')
			return true;
	}
}
