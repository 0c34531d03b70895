/* See text_source.h. */
#include "report/text_source.h"

#include <string.h>

#include "base/escape.h"
#include "report/text.h"

/* Readers take the last " (" of a line for the start of the place, so the file's name has none. */
static void put_file(const char *file, struct strbuf *out)
{
	struct strbuf text = STRBUF_EMPTY;
	const char *at, *paren;

	escape_text(&text, file, strlen(file), false);
	for (at = strbuf_text(&text); (paren = strstr(at, " (")) != NULL; at = paren + 2) {
		strbuf_add(out, at, (size_t)(paren + 1 - at));
		strbuf_str(out, "\\x28");
	}
	strbuf_str(out, at);
	out->failed |= text.failed;
	strbuf_free(&text);
}

static void put_line(const struct symbol_line *line, struct strbuf *out)
{
	if (line->line == 0 || line->file[0] == '\0')
		return;
	strbuf_str(out, " (");
	put_file(line->file, out);
	strbuf_fmt(out, ":%u)", (unsigned)line->line);
}

static void put_function(const struct symbol_line *line, struct strbuf *out)
{
	if (line->demangled != NULL)
		escape_text(out, line->demangled, strlen(line->demangled), false);
	else if (line->function[0] != '\0')
		escape_text(out, line->function, strlen(line->function), true);
	else
		strbuf_char(out, '?');
}

void text_inlined(const struct symbol_name *name, struct strbuf *out)
{
	for (size_t i = 0; name->source != NULL && i + 1 < name->source->n; i++) {
		strbuf_str(out, TEXT_INDENT);
		escape_text(out, name->object, strlen(name->object), true);
		strbuf_char(out, '`');
		put_function(&name->source->at[i], out);
		strbuf_str(out, " [inlined]");
		put_line(&name->source->at[i], out);
		strbuf_char(out, '\n');
	}
}

void text_place(const struct symbol_name *name, struct strbuf *out)
{
	if (name->source != NULL)
		put_line(&name->source->at[name->source->n - 1], out);
}
