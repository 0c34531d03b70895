/* Text in messages: short, so that a reason fits after it, and escaped. */
#include "probe/probe_text.h"

#include <string.h>

#include "base/escape.h"

void probe_text_quote(struct strbuf *b, const char *text)
{
	size_t n = strnlen(text, PROBE_QUOTE_MAX + 1);

	escape_text(b, text, n > PROBE_QUOTE_MAX ? PROBE_QUOTE_MAX : n, false);
	if (n > PROBE_QUOTE_MAX)
		strbuf_str(b, "...");
}

enum res probe_text_refuse(struct fault *f, const char *text, const char *why, const char *tail)
{
	struct strbuf quoted = STRBUF_EMPTY;

	probe_text_quote(&quoted, text);
	(void)fault_set(f, 0, 0, 0, "%s: %s%s", strbuf_text(&quoted), why, tail);
	strbuf_free(&quoted);
	return RES_FAIL;
}

bool probe_text_is_name(const char *text, size_t n, const char *more)
{
	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
			continue;
		if (c == '\0' || strchr(more, c) == NULL)
			return false;
	}
	return true;
}
