/* Lifetime of records. */
#include "report/record.h"

#include <string.h>

#include "python/locals/py_locals.h"

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

struct record_locals record_locals(const struct record_thread *t, const struct record_item *item)
{
	const struct py_locals *all = t->locals;
	struct record_locals locals = { .read = false };

	if (item->kind != RECORD_PYTHON || all == NULL)
		return locals;
	locals.read = true;
	locals.text = strbuf_text(&all->text);
	if (item->index >= all->frames.n) {
		locals.more = true;
		return locals;
	}
	locals.at = all->list.at + all->frames.at[item->index].first;
	locals.n = all->frames.at[item->index].count;
	locals.more = all->frames.at[item->index].cut;
	return locals;
}

struct record_local record_local(const struct record_locals *locals, size_t i)
{
	const struct py_local *one = &locals->at[i];
	struct record_local local = { .name = { locals->text + one->name, one->name_n }, .at = one->at };

	if (one->state == PY_LOCAL_READ)
		local.value = (struct record_string){ locals->text + one->value, one->value_n };
	local.state = one->state == PY_LOCAL_READ       ? LOCAL_VALUE
		      : one->state == PY_LOCAL_CHANGING ? LOCAL_CHANGING
							: LOCAL_UNREADABLE;
	return local;
}
