/* Near names, by the distance of optimal string alignment (R. W. Hamming's changes, V. I.
 * Levenshtein's insertions and deletions, F. J. Damerau's exchanges). */
#include "probe/probe_near.h"

#include <stdint.h>
#include <string.h>

#include "probe/probe_text.h"

enum { PART_DISTANCE = 2, PART_MIN = 3 };

static unsigned least_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned probe_near_distance(const char *a, const char *b)
{
	/* The rows of the last two prefixes of a, and of the present one. */
	uint8_t rows[3][PROBE_NEAR_MAX + 1];
	size_t na = strnlen(a, PROBE_NEAR_MAX), nb = strnlen(b, PROBE_NEAR_MAX);
	uint8_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= nb; j++)
		row[j] = before[j] = last[j] = (uint8_t)j;
	for (size_t i = 1; i <= na; i++) {
		uint8_t *spare = before;

		before = last;
		last = row;
		row = spare;
		row[0] = (uint8_t)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned d = least_of(least_of(last[j] + 1U, row[j - 1] + 1U),
			    last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U));

			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = least_of(d, before[j - 2] + 1U);
			row[j] = (uint8_t)d;
		}
	}
	return row[nb];
}

void probe_near_start(struct probe_near *near, const char *wrong)
{
	*near = (struct probe_near){ .wrong = wrong, .part = wrong };
}

void probe_near_add(struct probe_near *near, const char *name)
{
	size_t n = strnlen(near->wrong, PROBE_NEAR_MAX);
	unsigned d = probe_near_distance(near->wrong, name + near->skip);
	size_t at;

	if (strlen(near->part) >= PART_MIN && strstr(name + near->skip, near->part) != NULL)
		d = least_of(d, PART_DISTANCE);
	else if (d > (n + 3) / 4)
		return;
	for (at = 0; at < near->n; at++) {
		if (strcmp(near->names[at], name) == 0)
			return;
	}
	for (at = near->n; at > 0 && near->distance[at - 1] > d; at--) {
		if (at < PROBE_NEAR) {
			near->names[at] = near->names[at - 1];
			near->distance[at] = near->distance[at - 1];
		}
	}
	if (at == PROBE_NEAR)
		return;
	near->names[at] = name;
	near->distance[at] = d;
	if (near->n < PROBE_NEAR)
		near->n++;
}

void probe_near_ask(const struct probe_near *near, struct strbuf *b)
{
	size_t n = near->n;

	while (n > 0 && near->distance[n - 1] > near->distance[0] + 1)
		n--;
	for (size_t i = 0; i < n; i++) {
		strbuf_str(b, i == 0 ? "; is it " : i + 1 < n ? ", " : " or ");
		probe_text_quote(b, near->names[i]);
	}
	if (n > 0)
		strbuf_char(b, '?');
}
