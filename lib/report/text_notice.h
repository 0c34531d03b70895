/* Notices as text. */
#ifndef REPORT_TEXT_NOTICE_H
#define REPORT_TEXT_NOTICE_H

#include <stdbool.h>

#include "base/notice.h"
#include "base/strbuf.h"

/* Append the words of a notice, not escaped. out->failed: out of memory. */
void text_notice(const struct notice *n, struct strbuf *out);

/* True if the notice is about a file of the target that is missing or cannot be used. */
bool text_notice_of_file(const struct notice *n);

/* Such a notice without reason and remedy, which notices before it have told. */
void text_notice_brief(const struct notice *n, struct strbuf *out);

#endif
