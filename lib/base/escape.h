/* Text of unknown origin made safe to print.
 *
 * Input is UTF-8 that may be anything. Kept: every printable code point. Written as \xNN: control
 * characters (C0, DEL, C1), bytes that are not valid UTF-8. Written as \uNNNN: surrogates (encoded
 * the way WTF-8 does, which is how Python's lone surrogates reach us), bidirectional controls,
 * U+2028, U+2029 and the zero-width no-break space, all of which can make a terminal or a log show
 * something other than what is there. A backslash is doubled, so that no two texts look alike. Not
 * for text that was escaped before. */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

/* Append n bytes of text to b, escaped. `bracket` also writes `[` as \x5b: for module and symbol
 * names, whose lines must not be taken for annotations. Output is cut after ESCAPE_LIMIT code
 * points, and "..." shows that it was. */
void escape_text(struct strbuf *b, const char *text, size_t n, bool bracket);

enum { ESCAPE_LIMIT = 4096 };

#endif
