/* See json_locals.h. */
#ifdef WITH_JANSSON
#include "report/json_locals.h"

#include "report/json_members.h"
#include "report/text_locals.h"

/* A value is Python's own spelling, whose backslashes are not doubled. */
static void put_value(const struct record_local *local, struct members *m)
{
	static const char *const errors[] = {
		[LOCAL_UNREADABLE] = "unreadable", [LOCAL_CHANGING] = "changed"
	};
	struct strbuf text = STRBUF_EMPTY;

	if (local->state != LOCAL_VALUE) {
		members_clean(m, "error", errors[local->state]);
		return;
	}
	text_local_value(local, &text);
	if (text.failed)
		members_value(m, "value", NULL);
	else
		members_clean(m, "value", strbuf_text(&text));
	strbuf_free(&text);
}

bool json_locals(const struct record_thread *t, const struct record_item *item, struct strbuf *out)
{
	const struct record_locals locals = record_locals(t, item);
	struct members m;
	json_t *list;

	if (!locals.read)
		return true;
	m = members_begin();
	list = json_array();
	for (size_t i = 0; list != NULL && i < locals.n; i++) {
		const struct record_local local = record_local(&locals, i);
		struct members one = members_begin();

		members_text(&one, "name", local.name.at, local.name.n);
		put_value(&local, &one);
		if (local.at != 0)
			members_hex(&one, "object", local.at);
		m.failed |= json_array_append_new(list, members_take(&one, &m)) != 0;
	}
	members_value(&m, "locals", list);
	if (locals.more)
		members_bool(&m, "locals_cut", true);
	strbuf_char(out, ',');
	return members_write(&m, out);
}
#endif
