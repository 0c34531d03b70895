/* See text_rule.h. */
#include "report/text_rule.h"

enum { HEADER_WIDTH = 62, HEADER_RULE_MIN = 4 };

void text_rule(const struct strbuf *words, struct strbuf *out)
{
	size_t rules, begin = out->n;

	rules = HEADER_WIDTH - HEADER_RULE_MIN - 2 > words->n ? HEADER_WIDTH - 2 - words->n : HEADER_RULE_MIN;
	for (size_t i = 0; i < rules / 2; i++)
		strbuf_char(out, '-');
	strbuf_fmt(out, " %s ", strbuf_text(words));
	for (size_t i = 0; i < rules / 2 + rules % 2; i++)
		strbuf_char(out, '-');
	strbuf_char(out, '\n');
	out->failed |= words->failed;
	if (out->failed && out->n > begin) {
		out->n = begin;
		out->at[begin] = '\0';
	}
}
