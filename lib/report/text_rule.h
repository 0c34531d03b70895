/* The line above a stack. */
#ifndef REPORT_TEXT_RULE_H
#define REPORT_TEXT_RULE_H

#include "base/strbuf.h"

/* Append `---- WORDS ----` as a line. out->failed, or words->failed: out of memory; the line is not
 * in out. */
void text_rule(const struct strbuf *words, struct strbuf *out);

#endif
