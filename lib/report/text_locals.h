/* Variables of a Python frame as text: lines under it, `name = value` after 20 spaces. */
#ifndef REPORT_TEXT_LOCALS_H
#define REPORT_TEXT_LOCALS_H

#include "base/strbuf.h"
#include "report/record.h"

#define TEXT_LOCAL_INDENT "                    "

/* Append the lines of an item's variables; none if it has none. */
void text_locals(const struct record_thread *t, const struct record_item *item, struct strbuf *out);

/* Append the text that stands for the value: the value, or why there is none. It is valid UTF-8,
 * without control characters. */
void text_local_value(const struct record_local *local, struct strbuf *out);

/* True if this line of n bytes, whose first `blanks` spaces are left out, is a variable's, or says
 * that more were left out. Only lines that follow a Python frame's, or another such line, are. */
bool text_is_local(const char *text, size_t n, size_t blanks);

#endif
