/* What a thread is called and does, as text. */
#ifndef REPORT_TEXT_STATE_H
#define REPORT_TEXT_STATE_H

#include "base/strbuf.h"
#include "capture/thread_state.h"

/* Append ` "NAME"`, escaped, unless the thread has no name in Python or the kernel's is
 * the same. */
void text_thread_name(const struct thread_state *s, const char *kernel, struct strbuf *out);

/* Append the line of s: `(PART; PART…)`, indented; nothing if there is nothing to say. out->failed:
 * out of memory; the line is not in out. */
void text_state(const struct thread_state *s, struct strbuf *out);

/* Append `waits for the NAME at ADDRESS held by OWNER`. object: enum thread_object; OBJECT_NONE:
 * the GIL. at, owner: 0: unknown. */
void text_wait(uint8_t object, uint64_t at, lwpid_t owner, struct strbuf *out);

/* True if this text of n bytes, without its indentation, is such a line. */
bool text_is_state(const char *text, size_t n);

#endif
