/* Records as text: the report.
 *
 *     4711:	/usr/bin/python3 app.py
 *     ------------ thread# 4711 / lwp# 4711 "worker" [python3] ------------
 *                   (in poll, time-out 500 ms)               what the thread does (text_state.h)
 *                   libc.so.6`poll+0x1f                      14 spaces: native
 *                   python3.11`_PyEval_EvalFrameDefault+0x2b
 *                     [ app.py:12 (loop) ]                   16 spaces: Python
 *                       | job = queue.get()                 18 spaces: its source
 *                         job = 'mail'                      20 spaces: a variable (text_locals.h)
 *                   (signal handler called)                  14 spaces, parentheses: a remark
 *
 * `^ {16}\[ ` matches annotations and nothing else. */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include "base/strbuf.h"
#include "report/record.h"
#include "report/text_cache.h"

#define TEXT_INDENT "              "

struct text_style {
	bool qualified; /* qualified names of functions, where available */
	bool color;     /* only of what is printed, not of what is formatted: text_color.h */
};

/* Each of these appends whole lines to out. out->failed: memory ran out, and the last line is
 * not in out. */

/* `pid:\tpsargs`, or for a core `core 'NAME' of pid:\tpsargs` and a line about the signal. */
void text_process(const struct record_process *p, struct strbuf *out);
/* The interpreters of the frames, ` / interp# 1,0`, or ` / interp# 3.11:0` where ids are not all of
 * one Python; nothing if the process has one. */
void text_interps(const struct record_thread *t, struct strbuf *out);
void text_header(const struct record_thread *t, struct strbuf *out);
/* Append the items of t from index `from` on, until out has TEXT_CHUNK bytes or fails: deep
 * stacks are printed in parts. Returns the index of the next item, t->items.n at the end. */
enum { TEXT_CHUNK = 1 << 14 };
size_t text_stack(const struct record_thread *t, size_t from, const struct text_style *style,
    struct text_cache *cache, struct strbuf *out);

/* Append the annotation of a frame, `[ file:line (function) ]`, unmarked. code NULL: not
 * decoded. */
void text_python(const struct py_code *code, int32_t line, bool qualified, struct strbuf *out);

/* Append the words of a remark, without parentheses and not escaped. */
void text_remark(const struct record_item *item, struct strbuf *out);

/* `pystack: OPERAND: words`, one line. out->failed: out of memory; the line is not in out. */
void text_warning(const struct record_warning *w, struct strbuf *out);

#endif
