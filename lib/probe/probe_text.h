/* Text of users and of files, in messages. */
#ifndef PROBE_PROBE_TEXT_H
#define PROBE_PROBE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/strbuf.h"

enum { PROBE_QUOTE_MAX = 80 };

/* Append the first PROBE_QUOTE_MAX bytes of `text`, escaped; "..." stands for the rest. */
void probe_text_quote(struct strbuf *b, const char *text);

/* Fill *f with `text: why` and a tail that may be empty; `text` is quoted. Returns RES_FAIL. */
enum res probe_text_refuse(struct fault *f, const char *text, const char *why, const char *tail);

/* True if the n bytes are letters, digits, `_` and characters of `more`. False for none. */
bool probe_text_is_name(const char *text, size_t n, const char *more);

#endif
