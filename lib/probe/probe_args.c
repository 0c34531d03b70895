/* System calls as text, in the notation of strace. */
#include "probe/probe_args.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

void probe_string_render(struct strbuf *b, const struct probe_string *string)
{
	size_t n = strnlen(string->bytes, string->n);
	bool cut = string->cut && n == string->n;
	const char *at = string->bytes;

	if (n > PROBE_STRING_MAX) {
		n = PROBE_STRING_MAX;
		cut = true;
	}
	strbuf_char(b, '"');
	while (n > 0) {
		const char *quote = memchr(at, '"', n);
		size_t plain = quote == NULL ? n : (size_t)(quote - at);

		escape_text(b, at, plain, false);
		if (quote != NULL)
			strbuf_str(b, "\\\"");
		plain += quote != NULL ? 1 : 0;
		at += plain;
		n -= plain;
	}
	strbuf_str(b, cut ? "\"..." : "\"");
}

static void put_value(struct strbuf *b, enum probe_arg_kind kind, uint64_t value)
{
	switch (kind) {
	case PROBE_ARG_DIRFD:
		if ((int64_t)value == AT_FDCWD) {
			strbuf_str(b, "AT_FDCWD");
			break;
		}
		/* fall through */
	case PROBE_ARG_INT:
	case PROBE_ARG_FD:
	case PROBE_ARG_LONG:
		strbuf_fmt(b, "%" PRId64, (int64_t)value);
		break;
	case PROBE_ARG_UINT:
	case PROBE_ARG_SIZE:
		strbuf_fmt(b, "%" PRIu64, value);
		break;
	case PROBE_ARG_MODE:
	case PROBE_ARG_CREATE:
		strbuf_fmt(b, "%#" PRIo64, value);
		break;
	case PROBE_ARG_FLAGS:
	case PROBE_ARG_WORD:
		strbuf_fmt(b, "%#" PRIx64, value);
		break;
	case PROBE_ARG_PTR:
	case PROBE_ARG_PATH:
	case PROBE_ARG_STRING:
		if (value == 0)
			strbuf_str(b, "NULL");
		else
			strbuf_fmt(b, "%#" PRIx64, value);
		break;
	}
}

/* What open(2) looks at its mode for. */
static bool creates_file(uint64_t flags)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

void probe_args_render(struct strbuf *b, const struct probe_syscall *call, const uint64_t raw[PROBE_ARGS],
    const struct probe_string strings[PROBE_ARGS])
{
	if (call->name == NULL)
		strbuf_fmt(b, "syscall(%" PRIu32 "%s", call->number, call->n_args > 0 ? ", " : "");
	else
		strbuf_fmt(b, "%s(", call->name);
	for (unsigned i = 0; i < call->n_args; i++) {
		enum probe_arg_kind kind = call->args[i].kind;

		if (kind == PROBE_ARG_CREATE && i > 0 && !creates_file(raw[i - 1]))
			break;
		if (i > 0)
			strbuf_str(b, ", ");
		if (strings != NULL && strings[i].bytes != NULL)
			probe_string_render(b, &strings[i]);
		else
			put_value(b, kind, probe_arg_value(kind, call->arch, raw[i]));
	}
	strbuf_char(b, ')');
}

void probe_return_render(struct strbuf *b, const struct probe_syscall *call, uint64_t raw)
{
	enum { ERRORS = 4095 }; /* Linux include/linux/err.h, MAX_ERRNO */
	int64_t value = (int64_t)probe_arg_value(PROBE_ARG_LONG, call->arch, raw);
	bool failed = value < 0 && value >= -ERRORS;
	const char *name = failed ? probe_errno_name((unsigned)-value) : NULL;

	if (name != NULL)
		strbuf_fmt(b, "= %s %s", probe_errno_restarts((unsigned)-value) ? "?" : "-1", name);
	else if (failed || !call->returns_pointer)
		strbuf_fmt(b, "= %" PRId64, value);
	else
		strbuf_fmt(b, "= %#" PRIx64, arch_cut(call->arch, raw));
}
