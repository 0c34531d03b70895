/* See warn.h. */
#include "warn.h"

#include <libproc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/explain.h"
#include "report/json.h"
#include "report/text.h"
#include "report/warning_code.h"

static warn_kept_fn *keeper;

void warn_keep(warn_kept_fn *kept)
{
	keeper = kept;
}

/* Hand the line "pystack: …\n" to the keeper. */
static void hand_on(const struct record_warning *w, struct strbuf *line)
{
	static const char start[] = "pystack: ";
	struct json_message message = { warning_code(w), NULL };

	if (line->failed) {
		message.text = (char[]){ "out of memory" };
	} else {
		line->at[line->n - 1] = '\0';
		message.text = line->at + sizeof(start) - 1;
	}
	keeper(&message);
}

void warn_record(const struct record_warning *w)
{
	struct strbuf line = STRBUF_EMPTY;

	text_warning(w, &line);
	(void)fflush(stdout);
	(void)fputs(line.failed ? "pystack: out of memory\n" : strbuf_text(&line), stderr);
	if (keeper != NULL)
		hand_on(w, &line);
	strbuf_free(&line);
}

void warn_line(const char *fmt, ...)
{
	struct strbuf line = STRBUF_EMPTY;
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	strbuf_str(&line, "pystack: ");
	if (n >= 0)
		escape_controls(&line, text, (size_t)n);
	strbuf_char(&line, '\n');
	(void)fputs(n < 0 || line.failed ? "pystack: out of memory\n" : strbuf_text(&line), stderr);
	strbuf_free(&line);
	if (n >= 0)
		free(text);
}

void warn_code(enum record_warning_code code, const char *operand)
{
	warn_record(&(struct record_warning){ .code = code, .operand = operand });
}

void warn_fault(enum record_warning_code code, const char *operand, const struct fault *why)
{
	struct record_warning w = { .code = code, .operand = operand, .detail = why->text };
	char cause[512], text[640];

	/* With a text, errno is no longer that of the failure. */
	if (why->code != 0 && (why->code != G_STRANGE || why->text[0] == '\0')) {
		os_explain(operand, why->code, cause, sizeof(cause));
		if (cause[0] == '\0')
			(void)snprintf(cause, sizeof(cause), "%s", why->text);
		(void)snprintf(text, sizeof(text), "%s%s%s", Pgrab_error(why->code),
		    cause[0] != '\0' ? ": " : "", cause);
		w.detail = text;
	}
	warn_record(&w);
}
