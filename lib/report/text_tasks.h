/* Tasks of event loops as text:
 *
 *     ------- event loop 0x7f… / thread# 4711 / 3 tasks -------
 *     * task "main" runs                                             the tree: who awaits whom
 *     |- task "fetch-1"
 *     * task "log" ?                                                 it is not known who awaits it
 *     ------------ asyncio task "fetch-1" / thread# 4711 ------------
 *                   (awaits Future at 0x7f…; awaited by task "main")
 *                     [ app.py:12 (fetch) ] */
#ifndef REPORT_TEXT_TASKS_H
#define REPORT_TEXT_TASKS_H

#include "base/strbuf.h"
#include "report/tasks.h"

/* Append `"NAME"`, escaped; without a name the address. Neither `; ` nor `"` is in it. */
void text_task_name(const struct py_task *t, struct strbuf *out);

/* "task " or "greenlet ". */
const char *text_task_kind(const struct py_task *t);

/* Each of these appends a whole line. out->failed: out of memory; the line is not in out. */

/* n: the number of tasks in its tree. */
void text_loop_header(const struct py_tasks *all, size_t loop, size_t n, struct strbuf *out);
void text_task_line(const struct py_tasks *all, const struct task_visit *visit, struct strbuf *out);
void text_task_header(const struct py_tasks *all, const struct py_task *t, struct strbuf *out);
/* What it awaits, and who awaits it. Nothing if there is nothing to say. */
void text_task_state(const struct py_tasks *all, const struct py_task *t, struct strbuf *out);

/* True if the text of n bytes is a part of such a line, between its separators. */
bool text_is_task_part(const char *text, size_t n);

#endif
