/* See folded.h. */
#include "report/folded.h"

#include <string.h>

#include "base/escape.h"

/* A ';' in a name would end it, and the first " (" of a Python frame must precede its file. */
static void put_escaped(struct strbuf *out, const char *text, size_t n, bool python)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == ';' || (python && text[i] == '(' && i > 0 && text[i - 1] == ' '))
			strbuf_fmt(out, "\\x%02x", (unsigned)text[i]);
		else
			strbuf_char(out, text[i]);
	}
}

/* A name of the target. */
static void put_name(struct strbuf *out, struct record_string name, bool bracket, bool python)
{
	struct strbuf text = STRBUF_EMPTY;

	escape_text(&text, name.at, name.n, bracket);
	put_escaped(out, strbuf_text(&text), text.n, python);
	out->failed |= text.failed;
	strbuf_free(&text);
}

static struct record_string string_of(const char *text)
{
	return (struct record_string){ text, strlen(text) };
}

static void put_native(struct strbuf *out, const struct symbol_name *name)
{
	if (name->object != NULL) {
		put_name(out, string_of(name->object), true, false);
		strbuf_char(out, '`');
	}
	if (name->object != NULL && name->demangled != NULL)
		put_name(out, string_of(name->demangled), false, false);
	else if (name->object != NULL && name->symbol != NULL)
		put_name(out, string_of(name->symbol), true, false);
	else if (name->object != NULL && name->function != 0)
		strbuf_fmt(out, "0x%llx", (unsigned long long)name->function);
	else
		strbuf_fmt(
		    out, "0x%llx", (unsigned long long)(name->object != NULL ? name->address : name->pc));
}

/* The functions that were put into that one's code, outermost first. */
static void put_inlined(struct strbuf *out, const struct symbol_name *name)
{
	size_t n = name->source == NULL ? 0 : name->source->n - 1;

	for (size_t i = n; i-- > 0;) {
		const struct symbol_line *line = &name->source->at[i];

		put_name(out, string_of(name->object), true, false);
		strbuf_char(out, '`');
		if (line->demangled != NULL)
			put_name(out, string_of(line->demangled), false, false);
		else
			put_name(
			    out, string_of(line->function[0] != '\0' ? line->function : "?"), true, false);
		strbuf_str(out, " [inlined];");
	}
}

static void put_python(struct strbuf *out, const struct record_item *item, const struct text_style *style)
{
	const struct py_code *code = item->code;

	if (code == NULL) {
		strbuf_str(out, "? (?:0)");
	} else {
		if (style->qualified && code->qualname != NULL)
			put_name(
			    out, (struct record_string){ code->qualname, code->qualname_len }, false, true);
		else
			put_name(out, (struct record_string){ code->name, code->name_len }, false, true);
		strbuf_str(out, " (");
		put_name(out, (struct record_string){ code->file, code->file_len }, false, false);
		strbuf_fmt(out, ":%d)", item->line);
	}
	if (item->uncertain)
		strbuf_str(out, " ?");
}

static void put_quoted_python(struct strbuf *out, const struct record_item *item)
{
	const struct record_quotation *q = item->quotation;

	if (q->file.at == NULL) {
		put_escaped(out, q->line.at, q->line.n, false);
		return;
	}
	put_escaped(out, q->function.at, q->function.n, true);
	strbuf_str(out, " (");
	put_escaped(out, q->file.at, q->file.n, false); /* with its line */
	strbuf_str(out, item->uncertain ? ") ?" : ")");
}

static void put_remark(struct strbuf *out, const struct record_item *item)
{
	struct strbuf words = STRBUF_EMPTY;

	text_remark(item, &words);
	if (item->remark != REMARK_MORE)
		strbuf_char(out, '(');
	put_name(out, (struct record_string){ strbuf_text(&words), words.n }, true, false);
	if (item->remark != REMARK_MORE)
		strbuf_char(out, ')');
	out->failed |= words.failed;
	strbuf_free(&words);
}

static bool is_python(const struct record_item *item)
{
	return item->kind == RECORD_PYTHON || item->kind == RECORD_QUOTED_PYTHON;
}

static void put_item(struct strbuf *out, const struct record_item *item, const struct text_style *style)
{
	switch ((enum record_kind)item->kind) {
	case RECORD_NATIVE:
		put_native(out, item->name);
		break;
	case RECORD_PYTHON:
		put_python(out, item, style);
		break;
	case RECORD_REMARK:
		put_remark(out, item);
		break;
	case RECORD_QUOTED_NATIVE:
		put_escaped(out, item->quotation->line.at, item->quotation->plain_n, false);
		break;
	case RECORD_QUOTED_PYTHON:
		put_quoted_python(out, item);
		break;
	}
	strbuf_char(out, ';');
}

/* Readers take a space and a number at the end of a stack for a second count, so this space is
 * escaped. */
static void end_stack(struct strbuf *out)
{
	char number[64];
	size_t n = 0;

	while (n < out->n && strchr("0123456789.", out->at[out->n - 1 - n]) != NULL)
		n++;
	if (n == 0 || n >= sizeof(number) || n == out->n || strchr(" \t", out->at[out->n - 1 - n]) == NULL)
		return;
	memcpy(number, out->at + out->n - n, n);
	out->n -= n + 1;
	strbuf_fmt(out, "\\x%02x%.*s", (unsigned)out->at[out->n], (int)n, number);
}

void folded_stack(const struct record_thread *t, const struct text_style *style, struct strbuf *out)
{
	const struct record_item *items = t->items.at;
	size_t begin = out->n;

	/* A native frame, the Python frames that it executes, outermost first, then what was put
	 * into its code. */
	for (size_t end = t->items.n, first; end > 0; end = first) {
		first = end - 1;
		while (first > 0 && is_python(&items[first]))
			first--;
		if (!is_python(&items[first]))
			put_item(out, &items[first], style);
		for (size_t k = end; k-- > first;) {
			if (is_python(&items[k]))
				put_item(out, &items[k], style);
		}
		if (items[first].kind == RECORD_NATIVE)
			put_inlined(out, items[first].name);
	}
	if (!out->failed && out->n > begin) {
		out->at[--out->n] = '\0'; /* the last ';' */
		end_stack(out);
	}
}
