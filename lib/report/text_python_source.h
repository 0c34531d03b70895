/* Source lines of a Python frame as text: after 18 spaces, `| ` and the line, or `? ` if it may be
 * another; below it the marks of its columns.
 *
 *     [ /srv/shop/publish.py:26 (publish) ]
 *       | for name in listdir(spool):
 *       |             ^^^^^^^^^^^^^^
 */
#ifndef REPORT_TEXT_PYTHON_SOURCE_H
#define REPORT_TEXT_PYTHON_SOURCE_H

#include "base/strbuf.h"
#include "report/record.h"

#define TEXT_SOURCE_INDENT "                  "

/* Append the source lines of an item; none if it has none. */
void text_python_source(const struct record_thread *t, const struct record_item *item, struct strbuf *out);

/* True if this line of n bytes, whose first `blanks` spaces are left out, is one of source. Only
 * lines that follow a Python frame's, or another such line, are. */
bool text_is_python_source(const char *text, size_t n, size_t blanks);

#endif
