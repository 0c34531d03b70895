/* Escapes text of unknown origin, so that it is safe to print.
 *
 * The input should be UTF-8, but may be anything. Printable code points are kept. Control
 * characters (C0, DEL, C1) and bytes that are not valid UTF-8 become \xNN. Surrogates (encoded as
 * in WTF-8, which is how Python's lone surrogates arrive) and code points that are not seen or
 * change how others are seen (unicode_is_invisible) become \uNNNN or \UNNNNNNNN: all of these can
 * make a terminal or log show something other than the text. A backslash is doubled, so that
 * different texts never look alike. Do not escape text twice. */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

/* Append n bytes of text to b, escaped. `bracket`: also write `[` as \x5b, for names of modules and
 * symbols, whose lines must not look like annotations. Output is truncated after ESCAPE_LIMIT code
 * points and then ends in "...". */
void escape_text(struct strbuf *b, const char *text, size_t n, bool bracket);

/* The same for text that is escaped already (Python's repr()): a backslash is not doubled, and
 * nothing is truncated. */
void escape_controls(struct strbuf *b, const char *text, size_t n);

/* Append n bytes of text to b as valid UTF-8, for formats with escapes of their own: bytes that are
 * not valid UTF-8 become \udcNN, surrogates \uNNNN, and a backslash is doubled; nothing else
 * changes, and nothing is truncated. Returns true if the text has code points beyond ASCII that
 * escape_text would escape. */
bool escape_invalid(struct strbuf *b, const char *text, size_t n);

enum { ESCAPE_LIMIT = 4096 };

#endif
