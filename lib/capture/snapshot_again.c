/* Cached pages, read again. The second copies lie behind the first ones, in the arenas. */
#include <string.h>

#include "capture/snapshot_state.h"
#include "os/read.h"

/* Make room for n copies. False: out of memory. */
static bool make_room(struct snapshot *s, size_t n)
{
	for (size_t i = 0; i < n; i += ARENA / PAGE) {
		if (!snapshot_page_room(s, (uint32_t)i))
			return false;
	}
	return n == 0 || snapshot_page_room(s, (uint32_t)n - 1);
}

/* Copy these n pages, from copy i on, once more. */
static bool copy_part(struct snapshot *s, uint32_t i, uint32_t n)
{
	struct os_piece pieces[SNAPSHOT_AGAIN_PART];
	bool all = true;

	for (uint32_t k = 0; k < n; k++)
		pieces[k] = (struct os_piece){ snapshot_page(s, s->used + i + k), PAGE,
			s->numbers.at[i + k] * PAGE, 0 };
	os_read_pieces(s->live, pieces, n);
	for (uint32_t k = 0; k < n; k++)
		all &= pieces[k].got == PAGE;
	return all;
}

bool snapshot_copy_again(struct snapshot *s)
{
	bool ok = !s->absent && s->used <= SNAPSHOT_AGAIN_MAX && !snapshot_deadline_passed(s) &&
		  make_room(s, 2 * (size_t)s->used);

	for (uint32_t i = 0; ok && i < s->used; i += SNAPSHOT_AGAIN_PART)
		ok = copy_part(s, i, s->used - i < SNAPSHOT_AGAIN_PART ? s->used - i : SNAPSHOT_AGAIN_PART);
	s->again = ok ? s->used : 0;
	return ok;
}

bool snapshot_again_same(const struct snapshot *s)
{
	bool same = s->again == s->used;

	for (uint32_t i = 0; same && i < s->used; i++)
		same = memcmp(snapshot_page(s, i), snapshot_page(s, s->used + i), PAGE) == 0;
	return same;
}

/* Memory that was never written to would be provided during the hold. */
void snapshot_pages_ready(struct snapshot *s, const struct snapshot_prefetch *list)
{
	size_t n = 2 * list->n + SNAPSHOT_AGAIN_PART;

	for (size_t i = s->used; i < n && make_room(s, i + 1); i++)
		*snapshot_page(s, (uint32_t)i) = 0;
}
