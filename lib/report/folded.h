/* A stack as one line for flame graphs: frames from the outermost on, separated by ';'. Native
 * frames are module`symbol without an offset; Python frames are function (file:line), after the
 * native frame that executes them. */
#ifndef REPORT_FOLDED_H
#define REPORT_FOLDED_H

#include "base/strbuf.h"
#include "report/record.h"
#include "report/text.h"

/* Append the stack of t, without a count or newline. out->failed: out of memory. */
void folded_stack(const struct record_thread *t, const struct text_style *style, struct strbuf *out);

#endif
