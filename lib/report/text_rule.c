/* See text_rule.h. */
#include "report/text_rule.h"

enum { HEADER_WIDTH = 62, HEADER_RULE_MIN = 4 };
static const char dashes[] = "-------------------------------"; /* half of the longest header */
_Static_assert(sizeof(dashes) > HEADER_WIDTH / 2, "enough for a header without words");

void text_rule(const struct strbuf *words, struct strbuf *out)
{
	size_t rules, begin = out->n;

	rules = HEADER_WIDTH - HEADER_RULE_MIN - 2 > words->n ? HEADER_WIDTH - 2 - words->n : HEADER_RULE_MIN;
	strbuf_add(out, dashes, rules / 2);
	strbuf_char(out, ' ');
	strbuf_add(out, strbuf_text(words), words->n);
	strbuf_char(out, ' ');
	strbuf_add(out, dashes, rules / 2 + rules % 2);
	strbuf_char(out, '\n');
	out->failed |= words->failed;
	if (out->failed && out->n > begin) {
		out->n = begin;
		out->at[begin] = '\0';
	}
}
