/* See probe_meant.h. */
#include "probe/probe_meant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "probe/probe_syscalls.h"
#include "probe/probe_text.h"

/* Is `before` with `text` after it a system call that there is? */
static bool is_call(const char *before, const char *text, struct probe_spec *out)
{
	OWNED(mem_release) char *whole = NULL;
	struct probe_syscall call;
	struct fault f;

	if (asprintf(&whole, "%s%s", before, text) < 0) {
		whole = NULL;
		return false;
	}
	return probe_spec_parse(whole, out, &f) == RES_OK && out->kind == PROBE_SYSCALL &&
	       (probe_syscall_by_name(arch_of_host(false), out->call, &call) ||
		   probe_syscall_by_name(arch_of_host(true), out->call, &call));
}

bool probe_meant_call(const char *text, struct probe_spec *out)
{
	/* What precedes the name in the text, and what in ours. */
	static const char *const forms[][2] = {
		{ "syscalls:", "tracepoint:syscalls:" },
		{ "", "tracepoint:syscalls:" }, /* sys_enter_, sys_exit_ */
		{ "", "syscall:" },
		{ "sys_", "syscall:" },
		{ "__x64_sys_", "syscall:" },
		{ "__ia32_sys_", "syscall:" },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t n = strlen(forms[i][0]);

		if (strncmp(text, forms[i][0], n) == 0 && is_call(forms[i][1], text + n, out))
			return true;
	}
	return false;
}

struct asking {
	const char *text;
	struct strbuf *b;
	size_t n;
};

static void ask_for_name(struct asking *a, const char *name)
{
	strbuf_str(a->b, a->n++ == 0 ? "; is it " : " or ");
	probe_text_quote(a->b, name);
}

static bool ask_event(void *data, const char *category, const char *event)
{
	enum { MOST = 3 };
	struct asking *a = data;
	const char *rest = a->text;
	size_t n = strlen(category);
	char name[2 * PROBE_NAME_MAX + 16];

	if (strncmp(rest, category, n) == 0 && rest[n] == ':')
		rest += n + 1;
	if (strcmp(rest, event) != 0)
		return true;
	(void)snprintf(name, sizeof(name), "tracepoint:%s:%s", category, event);
	ask_for_name(a, name);
	return a->n < MOST;
}

bool probe_meant_ask(const char *text, const struct probe_tracefs *tracefs, struct strbuf *b)
{
	OWNED(mem_release) struct probe_spec *spec = malloc(sizeof(*spec));
	struct strbuf name = STRBUF_EMPTY;
	struct asking a = { text, b, 0 };
	struct fault f;

	if (spec != NULL && probe_meant_call(text, spec)) {
		probe_spec_print(spec, &name);
		ask_for_name(&a, strbuf_text(&name));
	} else if (tracefs != NULL) {
		(void)probe_tracefs_each(tracefs, ask_event, &a, &f);
	}
	if (a.n != 0)
		strbuf_char(b, '?');
	strbuf_free(&name);
	return a.n != 0;
}
