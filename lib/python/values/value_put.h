/* PRIVATE to lib/python/values: text of values. Once w->full is set, nothing is added. */
#ifndef PYTHON_VALUE_PUT_H
#define PYTHON_VALUE_PUT_H

#include "python/values/value.h"

/* Add text that is one piece: it is truncated only at its end, and between characters. */
void value_put(struct value_writer *w, const char *text);
void value_put_n(struct value_writer *w, const char *text, size_t n);
void value_put_fmt(struct value_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Add text that is not truncated in the middle: all or nothing of it is written. */
void value_put_piece(struct value_writer *w, const char *text, size_t n);

/* Add such a piece, an escape: `\`, a letter, and c in hex digits. */
void value_put_escape(struct value_writer *w, char letter, int width, unsigned c);

/* Add `<unreadable at 0x…>`. */
void value_put_unreadable(struct value_writer *w, uint64_t addr);

/* Add a name of the target, UTF-8 of unknown origin. */
void value_put_name(struct value_writer *w, const char *text, size_t n);

#endif
