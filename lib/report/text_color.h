/* Colours of the report on a terminal. They are added to finished lines, by their layout (text.h),
 * so that caches, counts and the width of lines know nothing of them:
 *
 *     ------- thread# 4711 ... -------           bold blue, as a line with process id or time
 *                   (in poll)                    yellow between the parentheses
 *                   libc.so.6`poll+0x1f          as it is
 *                     [ app.py:12 (loop) ] ?     bold between the brackets, the mark red
 *
 * A sequence is never before the first word or bracket of an indented line, and text of a target
 * has no ESC. So `^ {16}\[ ` still finds the Python frames, and what text_uncolored returns is what
 * was printed without colours. */
#ifndef REPORT_TEXT_COLOR_H
#define REPORT_TEXT_COLOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/strbuf.h"

/* Write n bytes of text, whole lines or the start of one, with colours if `color`. */
void text_write(const char *text, size_t n, bool color, FILE *to);

/* Append n bytes without the sequences for colours and for erasing (CSI … m, CSI … K), which grep
 * adds as well. */
void text_uncolored(const char *text, size_t n, struct strbuf *out);

#endif
