/* See text_locals.h. */
#include "report/text_locals.h"

#include <string.h>

#include "base/bytes.h"
#include "base/escape.h"

void text_local_value(const struct record_local *local, struct strbuf *out)
{
	switch ((enum record_local_state)local->state) {
	case LOCAL_VALUE:
		escape_controls(out, local->value.at, local->value.n);
		break;
	case LOCAL_UNREADABLE:
		if (local->at == 0)
			strbuf_str(out, "<unreadable>");
		else
			strbuf_fmt(out, "<unreadable at 0x%llx>", (unsigned long long)local->at);
		break;
	case LOCAL_CHANGING:
		strbuf_str(out, "<changed while read>");
		break;
	}
}

void text_locals(const struct record_thread *t, const struct record_item *item, struct strbuf *out)
{
	const struct record_locals locals = record_locals(t, item);

	for (size_t i = 0; i < locals.n; i++) {
		const struct record_local local = record_local(&locals, i);

		strbuf_str(out, TEXT_LOCAL_INDENT);
		escape_text(out, local.name.at, local.name.n, false);
		strbuf_str(out, " = ");
		text_local_value(&local, out);
		strbuf_char(out, '\n');
	}
	if (locals.more)
		strbuf_str(out, TEXT_LOCAL_INDENT "...\n");
}

bool text_is_local(const char *text, size_t n, size_t blanks)
{
	size_t indent = strlen(TEXT_LOCAL_INDENT);

	/* Blanks may be the start of a name, or follow one that is empty. */
	if (blanks == indent && n == 3 && memcmp(text, "...", 3) == 0)
		return true;
	return (blanks >= indent && memmem(text, n, " = ", 3) != NULL) ||
	       (blanks > indent && n > 2 && memcmp(text, "= ", 2) == 0);
}
