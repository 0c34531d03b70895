/* See snapshot_ranges.h. */
#include "capture/snapshot_ranges.h"

#include <stdlib.h>
#include <string.h>

/* Take more room, half of what is free at each end. */
static bool grow_room(struct ranges *r)
{
	enum { FIRST = 64 };
	const size_t cap = 2 * r->n + FIRST;
	struct range *room = malloc(cap * sizeof(*room));
	struct range *at;

	if (room == NULL)
		return false;
	at = room + (cap - r->n) / 2;
	if (r->n > 0)
		memcpy(at, r->at, r->n * sizeof(*at));
	free(r->room);
	*r = (struct ranges){ at, r->n, room, cap };
	return true;
}

bool ranges_insert(struct ranges *r, size_t i, struct range it)
{
	const bool front = i < r->n / 2;

	if ((r->cap == 0 || (front ? r->at == r->room : r->at + r->n == r->room + r->cap)) && !grow_room(r))
		return false;
	if (front) {
		memmove(r->at - 1, r->at, i * sizeof(it));
		r->at--;
	} else {
		memmove(r->at + i + 1, r->at + i, (r->n - i) * sizeof(it));
	}
	r->at[i] = it;
	r->n++;
	return true;
}

void ranges_remove(struct ranges *r, size_t i)
{
	r->n--;
	if (i < r->n / 2) {
		memmove(r->at + 1, r->at, i * sizeof(*r->at));
		r->at++;
	} else {
		memmove(r->at + i, r->at + i + 1, (r->n - i) * sizeof(*r->at));
	}
}

void ranges_free(struct ranges *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->at[i].bytes);
	free(r->room);
	*r = (struct ranges){ .n = 0 };
}
