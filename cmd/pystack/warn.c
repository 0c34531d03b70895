/* Lines for stderr. Whatever comes from a target or an operand is escaped. */
#include "warn.h"

#include <libproc.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "os/explain.h"

void warn_operand(const char *before, const char *arg, const char *text)
{
	struct strbuf line = STRBUF_EMPTY;

	strbuf_fmt(&line, "pystack: %s", before);
	escape_text(&line, arg, strlen(arg), false);
	strbuf_str(&line, ": ");
	escape_text(&line, text, strlen(text), false);
	strbuf_char(&line, '\n');
	(void)fflush(stdout);
	(void)fputs(line.failed ? "pystack: out of memory\n" : strbuf_text(&line), stderr);
	strbuf_free(&line);
}

void explain(const char *arg, int code, const char *otherwise, char *text, size_t n)
{
	char more[512];

	/* The system's last error is not that of what was done before it. */
	if (code == G_STRANGE && otherwise[0] != '\0') {
		(void)snprintf(text, n, "%s", otherwise);
		return;
	}
	os_explain(arg, code, more, sizeof(more));
	if (more[0] == '\0')
		(void)snprintf(more, sizeof(more), "%s", otherwise);
	(void)snprintf(text, n, "%s%s%s", Pgrab_error(code), more[0] != '\0' ? ": " : "", more);
}
