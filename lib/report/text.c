/* See text.h. */
#include "report/text.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "report/text_source.h"
#include "report/text_rule.h"
#include "report/text_locals.h"
#include "report/text_python_source.h"
#include "report/text_state.h"

enum { INTERPS_NAMED = 8 };

static void put_string(struct strbuf *out, const char *text, bool bracket)
{
	escape_text(out, text, strlen(text), bracket);
}

/* --- remarks --- */

void text_remark(const struct record_item *item, struct strbuf *out)
{
	static const char *const words[] = {
		[REMARK_SIGNAL_HANDLER] = "signal handler called",
		[REMARK_FRAME_POINTER] = "by frame pointer: frames may be missing here",
		[REMARK_REPLACED] = "its code was replaced since: older frames are uncertain",
		[REMARK_ALL_REPLACED] = "code may have been replaced since: names are uncertain",
		[REMARK_TRAMPOLINE] = "return probe: the caller is not known",
		[REMARK_SEVERAL] = "return probe: one of several calls in the next function",
		[REMARK_LIKELY] = "return probe: the next frame is likely, not certain",
		[REMARK_GAP] = "unwind gap",
		[REMARK_JIT] = "JIT",
		[REMARK_UNPLACED] = "Python frames",
		[REMARK_NO_PYTHON_FRAME] = "Python frame unknown",
		[REMARK_ENDED] = "Python frame has returned",
		[REMARK_GIL] = "waits for the GIL",
		[REMARK_EXITS] = "exits: its stack is gone",
		[REMARK_GREENLET] = "greenlet starts here; frames below may be stale",
		[REMARK_MORE] = "...",
		[REMARK_THREAD] = "",
		[REMARK_NATIVE_ENDS] = "",
		[REMARK_PYTHON_ENDS] = "outer Python frames cannot be read: ",
		[REMARK_PYTHON_UNREAD] = "position and line of a Python frame are uncertain: ",
		[REMARK_NO_LOCALS] = "values of variables could not be read",
	};

	strbuf_str(out, words[item->remark]);
	if (item->detail != NULL)
		strbuf_str(out, item->detail);
	else if (item->remark == REMARK_NATIVE_ENDS)
		strbuf_str(out, "the stack ends early");
}

static void put_remark(const struct record_item *item, struct strbuf *out)
{
	struct strbuf words = STRBUF_EMPTY;

	if (item->remark == REMARK_MORE) {
		strbuf_str(out, TEXT_INDENT "...\n");
		return;
	}
	text_remark(item, &words);
	strbuf_str(out, TEXT_INDENT "(");
	escape_text(out, strbuf_text(&words), words.n, true);
	strbuf_str(out, ")\n");
	out->failed |= words.failed;
	strbuf_free(&words);
}

/* --- native frames --- */

/* `module`symbol+0xoff`. A demangled name may have brackets: the module's name before it keeps the
 * line from looking like an annotation. */
static void put_name(const struct symbol_name *name, struct strbuf *out)
{
	if (name->object == NULL) {
		strbuf_fmt(out, "0x%llx", (unsigned long long)name->pc);
		return;
	}
	put_string(out, name->object, true);
	strbuf_char(out, '`');
	if (name->symbol == NULL) {
		strbuf_fmt(out, "0x%llx", (unsigned long long)name->address);
		return;
	}
	put_string(out, name->demangled != NULL ? name->demangled : name->symbol, name->demangled == NULL);
	if (name->offset != 0)
		strbuf_fmt(out, "+0x%llx", (unsigned long long)name->offset);
}

static void put_native(const struct symbol_name *name, struct text_cache *c, struct strbuf *out)
{
	size_t from = out->n;

	if (text_cache_name(c, name->id, out))
		return;
	text_inlined(name, out);
	strbuf_str(out, TEXT_INDENT);
	put_name(name, out);
	text_place(name, out);
	strbuf_char(out, '\n');
	text_cache_add_name(c, name->id, out, from);
}

/* --- Python frames --- */

/* The '(' of the first ":12 (" in text. NULL: there is none. */
static const char *place_like(const char *text)
{
	for (; (text = strchr(text, ':')) != NULL; text++) {
		size_t digits = strspn(text + 1, "0123456789");

		if (digits > 0 && strncmp(text + 1 + digits, " (", 2) == 0)
			return text + digits + 2;
	}
	return NULL;
}

/* Write a function's name, escaped. A file's name may contain anything, so readers take the last
 * ":line (" of an annotation for the frame's. There must be none in the function's name. */
static void put_function(const char *name, size_t n, struct strbuf *out)
{
	struct strbuf text = STRBUF_EMPTY;
	const char *at, *paren;

	if (memchr(name, ':', n) == NULL) {
		escape_text(out, name, n, false);
		return;
	}
	escape_text(&text, name, n, false);
	for (at = strbuf_text(&text); (paren = place_like(at)) != NULL; at = paren + 1) {
		strbuf_add(out, at, (size_t)(paren - at));
		strbuf_str(out, "\\x28");
	}
	strbuf_str(out, at);
	out->failed |= text.failed;
	strbuf_free(&text);
}

void text_python(const struct py_code *code, int32_t line, bool qualified, struct strbuf *out)
{
	if (code == NULL) {
		strbuf_str(out, "[ ?:0 (?) ]");
		return;
	}
	strbuf_str(out, "[ ");
	escape_text(out, code->file, code->file_len, false);
	strbuf_fmt(out, ":%d (", line);
	if (qualified && code->qualname != NULL)
		put_function(code->qualname, code->qualname_len, out);
	else
		put_function(code->name, code->name_len, out);
	strbuf_str(out, ") ]");
}

static void put_python(
    const struct record_item *item, const struct text_style *style, struct text_cache *c, struct strbuf *out)
{
	size_t from = out->n;

	if (!item->uncertain && text_cache_place(c, item, out))
		return;
	strbuf_str(out, TEXT_INDENT "  ");
	text_python(item->code, item->line, style->qualified, out);
	strbuf_str(out, item->uncertain ? " ?\n" : "\n");
	if (!item->uncertain)
		text_cache_add_place(c, item, out, from);
}

static void put_quotation(const char *indent, const struct record_quotation *q, struct strbuf *out)
{
	strbuf_str(out, indent);
	strbuf_add(out, q->line.at, q->line.n);
	strbuf_char(out, '\n');
}

static void put_item(const struct record_item *item, const struct text_style *style, struct text_cache *cache,
    struct strbuf *out)
{
	switch ((enum record_kind)item->kind) {
	case RECORD_NATIVE:
		put_native(item->name, cache, out);
		break;
	case RECORD_PYTHON:
		put_python(item, style, cache, out);
		break;
	case RECORD_REMARK:
		put_remark(item, out);
		break;
	case RECORD_QUOTED_NATIVE:
		put_quotation(TEXT_INDENT, item->quotation, out);
		break;
	case RECORD_QUOTED_PYTHON:
		put_quotation(TEXT_INDENT "  ", item->quotation, out);
		break;
	}
}

/* Half a line would look like a whole one. */
static void drop_half_line(struct strbuf *out, size_t from)
{
	if (out->failed && out->n > from) {
		out->n = from;
		out->at[from] = '\0';
	}
}

size_t text_stack(const struct record_thread *t, size_t from, const struct text_style *style,
    struct text_cache *cache, struct strbuf *out)
{
	bool locals = t->locals != NULL;
	size_t i = from;

	while (i < t->items.n && out->n < TEXT_CHUNK && !out->failed) {
		size_t begin = out->n;

		put_item(&t->items.at[i], style, cache, out);
		if (t->source.files != NULL)
			text_python_source(t, &t->items.at[i], out);
		if (locals)
			text_locals(t, &t->items.at[i], out);
		i++;
		drop_half_line(out, begin);
	}
	return i;
}

/* --- headers --- */

void text_interps(const struct record_thread *t, struct strbuf *out)
{
	for (size_t i = 0; i < t->interps.n; i++) {
		uint32_t version = t->interps.at[i].version;

		strbuf_str(out, i == 0 ? " / interp# " : ",");
		if (i == INTERPS_NAMED) {
			strbuf_str(out, "...");
			break;
		}
		if (version != 0)
			strbuf_fmt(out, "%u.%u:", version >> 24, version >> 16 & 0xff);
		strbuf_fmt(out, "%lld", (long long)t->interps.at[i].id);
	}
}

void text_header(const struct record_thread *t, struct strbuf *out)
{
	struct strbuf text = STRBUF_EMPTY;

	strbuf_fmt(&text, "thread# %d / lwp# %d", (int)t->id, (int)t->id);
	text_interps(t, &text);
	text_thread_name(&t->state, t->name, &text);
	if (t->name[0] != '\0') {
		strbuf_str(&text, " [");
		put_string(&text, t->name, true);
		strbuf_char(&text, ']');
	}
	text_rule(&text, out);
	strbuf_free(&text);
}

/* Ids are as long as a terminal is wide; twelve digits tell containers apart. */
static void put_container(const struct os_container *c, struct strbuf *out)
{
	enum { LONG_ID = 64, SHORT_ID = 12 };
	char id[CONTAINER_ID];

	(void)snprintf(id, sizeof(id), "%.*s", strlen(c->id) == LONG_ID ? SHORT_ID : CONTAINER_ID - 1, c->id);
	strbuf_str(out, "in container ");
	if (c->runtime != NULL)
		strbuf_fmt(out, "%s ", c->runtime);
	put_string(out, id, false);
	if (c->pod[0] != '\0')
		strbuf_fmt(out, " of pod %s", c->pod);
	strbuf_char(out, '\n');
}

void text_process(const struct record_process *p, struct strbuf *out)
{
	size_t begin = out->n;

	if (p->core != NULL) {
		strbuf_str(out, "core '");
		put_string(out, p->core, false);
		strbuf_str(out, "' of ");
	}
	strbuf_fmt(out, "%d:\t%.70s\n", (int)p->pid, p->args);
	if (p->found)
		strbuf_fmt(out, "child of %d\n", (int)p->parent);
	if (p->container != NULL)
		put_container(p->container, out);
	if (p->killed_by == NULL)
		return;
	strbuf_fmt(out, "killed by %s", p->killed_by);
	if (p->sender != 0)
		strbuf_fmt(out, " sent by pid %d", (int)p->sender);
	else if (p->has_address)
		strbuf_fmt(out, " at 0x%llx", (unsigned long long)p->address);
	strbuf_char(out, '\n');
	drop_half_line(out, begin);
}
