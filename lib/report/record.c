/* Lifetime of records. */
#include "report/record.h"

#include <string.h>

void record_thread_free(struct record_thread *t)
{
	vec_free(&t->interps);
	vec_free(&t->items);
}

bool record_remark_first(struct record_thread *t, enum record_remark remark)
{
	const struct record_item item = { .kind = RECORD_REMARK, .remark = (uint8_t)remark };

	if (!vec_push(&t->items, item))
		return false;
	memmove(t->items.at + 1, t->items.at, (t->items.n - 1) * sizeof(t->items.at[0]));
	t->items.at[0] = item;
	return true;
}
