/* Notices as text. */
#ifndef REPORT_TEXT_NOTICE_H
#define REPORT_TEXT_NOTICE_H

#include "base/notice.h"
#include "base/strbuf.h"

/* Append the words of a notice, not escaped. out->failed: out of memory. */
void text_notice(const struct notice *n, struct strbuf *out);

#endif
