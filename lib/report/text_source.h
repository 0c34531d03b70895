/* Source places of native frames as text. */
#ifndef REPORT_TEXT_SOURCE_H
#define REPORT_TEXT_SOURCE_H

#include "base/strbuf.h"
#include "symbol/symbolize.h"

/* The lines of functions that were put into the code of name's function, innermost first:
 * `object`function [inlined] (file:line)`. */
void text_inlined(const struct symbol_name *name, struct strbuf *out);

/* ` (file:line)`, of the function itself; nothing if that is unknown. */
void text_place(const struct symbol_name *name, struct strbuf *out);

#endif
