/* The text of a probe, cut at its colons. A name of a file may contain colons: what follows it is
 * cut off from the end. */
#include "probe/probe_spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "probe/probe_near.h"
#include "probe/probe_text.h"

/* A part of the text that is parsed. */
struct part {
	const char *at;
	size_t n;
};

static struct part part_of(const char *at)
{
	return (struct part){ at, strlen(at) };
}

static bool part_is(struct part p, const char *text)
{
	return p.n == strlen(text) && memcmp(p.at, text, p.n) == 0;
}

/* Cut p at its first c: *before gets what precedes it, p what follows; at its last c: *after gets
 * what follows it, p what precedes. False: there is no c. */
static bool part_cut_first(struct part *p, char c, struct part *before)
{
	const char *at = memchr(p->at, c, p->n);

	if (at == NULL)
		return false;
	*before = (struct part){ p->at, (size_t)(at - p->at) };
	*p = (struct part){ at + 1, p->n - before->n - 1 };
	return true;
}

static bool part_cut_last(struct part *p, char c, struct part *after)
{
	size_t at = p->n;

	while (at > 0 && p->at[at - 1] != c)
		at--;
	if (at == 0)
		return false;
	*after = (struct part){ p->at + at, p->n - at };
	p->n = at - 1;
	return true;
}

/* Copy p to the `max` + 1 bytes of out. False: it is empty or too long. */
static bool part_copy(struct part p, char *out, size_t max)
{
	if (p.n == 0 || p.n > max)
		return false;
	memcpy(out, p.at, p.n);
	out[p.n] = '\0';
	return true;
}

static bool copy_name(struct part p, const char *more, char *out)
{
	return probe_text_is_name(p.at, p.n, more) && part_copy(p, out, PROBE_NAME_MAX);
}

static bool parse_number(struct part p, uint64_t max, uint64_t *out)
{
	bool hex = p.n > 2 && p.at[0] == '0' && (p.at[1] == 'x' || p.at[1] == 'X');
	unsigned base = hex ? 16 : 10;
	uint64_t value = 0;

	if (p.n == 0)
		return false;
	for (size_t i = hex ? 2 : 0; i < p.n; i++) {
		char c = p.at[i];
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: base;

		if (digit >= base || value > (max - digit) / base)
			return false;
		value = value * base + digit;
	}
	*out = value;
	return true;
}

/* The parsers of what follows the kind and its colon return NULL or what is wrong. *out is empty
 * but for `kind` and `on_return`. */
typedef const char *parse_fn(struct part p, struct probe_spec *out);

static const char *parse_syscall(struct part p, struct probe_spec *out)
{
	struct part name;

	/* DTrace has a module before the function, which is empty for system calls. */
	if (p.n > 0 && p.at[0] == ':')
		p = (struct part){ p.at + 1, p.n - 1 };
	if (!part_cut_first(&p, ':', &name)) {
		name = p;
		p = part_of("entry");
	}
	out->on_return = part_is(p, "return");
	if (!out->on_return && !part_is(p, "entry"))
		return "only :entry or :return can follow the name of a system call";
	if (!copy_name(name, "", out->call))
		return "a system call is wanted, as in syscall:rmdir (a pattern is for --list)";
	return NULL;
}

/* Events of system calls whose name is that of the kernel's function (Linux syscall_64.tbl). */
static const char *const function_calls[][2] = {
	{ "newstat", "stat" },
	{ "newlstat", "lstat" },
	{ "newfstat", "fstat" },
	{ "newuname", "uname" },
	{ "sendfile64", "sendfile" },
	{ "umount", "umount2" },
};

/* The events of system calls are their entries and returns, and these need no tracefs. */
static bool parse_syscall_event(struct part event, struct probe_spec *out)
{
	static const char *const prefix[] = { "sys_enter_", "sys_exit_" };

	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(prefix[i]);
		struct part name = { event.at + n, event.n - n };

		if (event.n <= n || memcmp(event.at, prefix[i], n) != 0)
			continue;
		for (size_t k = 0; k < sizeof(function_calls) / sizeof(function_calls[0]); k++) {
			if (part_is(name, function_calls[k][0]))
				name = part_of(function_calls[k][1]);
		}
		out->kind = PROBE_SYSCALL;
		out->on_return = i == 1;
		return copy_name(name, "", out->call);
	}
	return false;
}

static const char *parse_tracepoint(struct part p, struct probe_spec *out)
{
	struct part category;

	if (!part_cut_first(&p, ':', &category))
		return "tracepoint:CATEGORY:EVENT is wanted";
	if (part_is(category, "syscalls") && parse_syscall_event(p, out))
		return NULL;
	if (!copy_name(category, "-", out->category))
		return "the category is wrong: letters, digits, _ and - are allowed";
	if (!copy_name(p, "-", out->event))
		return "the event is wrong: letters, digits, _ and - are allowed";
	return NULL;
}

static const char *parse_profile(struct part p, struct probe_spec *out)
{
	struct part unit;
	uint64_t hz;

	if (part_cut_first(&p, ':', &unit) && !part_is(unit, "hz"))
		return "only hz is known as a unit";
	if (!parse_number(p, PROBE_HZ_MAX, &hz) || hz == 0)
		return "a frequency from 1 to 10000 Hz is wanted, as in profile:997";
	out->hz = (unsigned)hz;
	return NULL;
}

static const char *parse_off_cpu(struct part p, struct probe_spec *out)
{
	(void)out;
	return p.n == 0 ? NULL : "nothing can follow off-cpu";
}

static const char *copy_file(struct part p, struct probe_spec *out)
{
	if (p.n == 0)
		return "the file is missing";
	return part_copy(p, out->file, PROBE_FILE_MAX) ? NULL : "the name of the file is too long";
}

static const char *parse_uprobe(struct part p, struct probe_spec *out)
{
	struct part symbol, offset;

	if (!part_cut_last(&p, ':', &symbol))
		return out->on_return ? "uretprobe:FILE:SYMBOL is wanted" : "uprobe:FILE:SYMBOL is wanted";
	if (part_cut_last(&symbol, '+', &offset)) {
		if (out->on_return)
			return "a return has no offset";
		if (!parse_number(offset, UINT32_MAX, &out->offset))
			return "the offset is no number of at most 32 bits";
	}
	if (symbol.n == 0)
		return "the symbol is missing";
	if (symbol.at[0] >= '0' && symbol.at[0] <= '9')
		return "a symbol is wanted, not an address";
	if (!part_copy(symbol, out->symbol, PROBE_SYMBOL_MAX))
		return "the symbol is too long";
	return copy_file(p, out);
}

bool probe_spec_static_name(const char *text, size_t n, char *out)
{
	char name[PROBE_NAME_MAX + 1];
	size_t to = 0;

	if (!probe_text_is_name(text, n, "-"))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (to + (text[i] == '-' ? 2 : 1) > PROBE_NAME_MAX)
			return false;
		name[to++] = text[i] == '-' ? '_' : text[i];
		if (text[i] == '-')
			name[to++] = '_';
	}
	memcpy(out, name, to);
	out[to] = '\0';
	return true;
}

static const char *parse_usdt(struct part p, struct probe_spec *out)
{
	struct part name, provider;

	if (!part_cut_last(&p, ':', &name) || !part_cut_last(&p, ':', &provider))
		return "usdt:FILE:PROVIDER:NAME is wanted";
	if (!probe_spec_static_name(provider.at, provider.n, out->provider))
		return "the provider is wrong: letters, digits, _ and - are allowed";
	if (!probe_spec_static_name(name.at, name.n, out->name))
		return "the name of the probe is wrong: letters, digits, _ and - are allowed";
	return copy_file(p, out);
}

/* Short for names of CPython's probes (Include/pydtrace.d): the first is what is written. */
static const char *const python_names[][2] = {
	{ "import-start", "import__find__load__start" },
	{ "import-done", "import__find__load__done" },
};

static const char *parse_python(struct part p, struct probe_spec *out)
{
	/* DTrace has a module and a function before the name, which may be empty. */
	if (p.n > 1 && p.at[0] == ':' && p.at[1] == ':')
		p = (struct part){ p.at + 2, p.n - 2 };
	(void)part_copy(part_of("python"), out->provider, PROBE_NAME_MAX);
	for (size_t i = 0; i < sizeof(python_names) / sizeof(python_names[0]); i++) {
		if (part_is(p, python_names[i][0]))
			p = part_of(python_names[i][1]);
	}
	if (!probe_spec_static_name(p.at, p.n, out->name))
		return "the name of a probe of CPython is wanted, as in python:gc-start";
	return NULL;
}

static const struct kind {
	const char *word, *abbreviation;
	enum probe_kind kind;
	bool on_return;
	parse_fn *parse;
} kinds[] = {
	{ "syscall", NULL, PROBE_SYSCALL, false, parse_syscall },
	{ "tracepoint", "t", PROBE_TRACEPOINT, false, parse_tracepoint },
	{ "profile", "p", PROBE_PROFILE, false, parse_profile },
	{ "off-cpu", "offcpu", PROBE_OFF_CPU, false, parse_off_cpu },
	{ "uprobe", "u", PROBE_UPROBE, false, parse_uprobe },
	{ "uretprobe", "ur", PROBE_UPROBE, true, parse_uprobe },
	{ "usdt", "U", PROBE_USDT, false, parse_usdt },
	{ "python", NULL, PROBE_USDT, false, parse_python },
};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static enum res refuse_kind(const char *text, struct fault *f)
{
	struct probe_near near;
	struct strbuf tail = STRBUF_EMPTY, word = STRBUF_EMPTY;

	strbuf_add(&word, text, strcspn(text, ":"));
	probe_near_start(&near, strbuf_text(&word));
	for (size_t i = 0; i < N_KINDS; i++)
		probe_near_add(&near, kinds[i].word);
	probe_near_ask(&near, &tail);
	if (near.n == 0)
		strbuf_str(&tail, " (there are syscall:, tracepoint:, profile:, off-cpu, uprobe:, "
				  "uretprobe:, usdt: and python:)");
	(void)probe_text_refuse(f, text, "no kind of probe", strbuf_text(&tail));
	strbuf_free(&word);
	strbuf_free(&tail);
	return RES_FAIL;
}

static const struct kind *find_kind(struct part word)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		if (part_is(word, kinds[i].word) ||
		    (kinds[i].abbreviation != NULL && part_is(word, kinds[i].abbreviation)))
			return &kinds[i];
	}
	return NULL;
}

static bool has_control(struct part p)
{
	for (size_t i = 0; i < p.n; i++) {
		if ((unsigned char)p.at[i] < 0x20 || p.at[i] == 0x7f)
			return true;
	}
	return false;
}

enum res probe_spec_parse(const char *text, struct probe_spec *out, struct fault *f)
{
	OWNED(mem_release) struct probe_spec *spec = NULL;
	const char dtrace_profile[] = "profile-";
	struct part rest = part_of(text), word;
	const struct kind *kind;
	const char *wrong;

	if (has_control(rest))
		return probe_text_refuse(f, text, "a control character in the name of a probe", "");
	if (strncmp(text, dtrace_profile, sizeof(dtrace_profile) - 1) == 0) {
		word = part_of("profile");
		rest = part_of(text + sizeof(dtrace_profile) - 1);
	} else if (!part_cut_first(&rest, ':', &word)) {
		word = rest;
		rest = part_of("");
	}
	kind = find_kind(word);
	if (kind == NULL)
		return refuse_kind(text, f);
	spec = calloc(1, sizeof(*spec));
	if (spec == NULL)
		return fault_memory(f);
	spec->kind = kind->kind;
	spec->on_return = kind->on_return;
	wrong = kind->parse(rest, spec);
	if (wrong != NULL)
		return probe_text_refuse(f, text, wrong, "");
	*out = *spec;
	return RES_OK;
}

static void print_python(const char *name, struct strbuf *b)
{
	strbuf_str(b, "python:");
	for (size_t i = 0; i < sizeof(python_names) / sizeof(python_names[0]); i++) {
		if (strcmp(name, python_names[i][1]) == 0) {
			strbuf_str(b, python_names[i][0]);
			return;
		}
	}
	for (size_t i = 0; name[i] != '\0'; i++) {
		bool two = name[i] == '_' && name[i + 1] == '_';

		strbuf_char(b, two ? '-' : name[i]);
		i += two ? 1 : 0;
	}
}

void probe_spec_print(const struct probe_spec *spec, struct strbuf *b)
{
	switch (spec->kind) {
	case PROBE_SYSCALL:
		strbuf_fmt(b, "syscall:%s%s", spec->call, spec->on_return ? ":return" : "");
		break;
	case PROBE_TRACEPOINT:
		strbuf_fmt(b, "tracepoint:%s:%s", spec->category, spec->event);
		break;
	case PROBE_PROFILE:
		strbuf_fmt(b, "profile:%u", spec->hz);
		break;
	case PROBE_OFF_CPU:
		strbuf_str(b, "off-cpu");
		break;
	case PROBE_UPROBE:
		strbuf_fmt(b, "%s:%s:%s", spec->on_return ? "uretprobe" : "uprobe", spec->file, spec->symbol);
		/* What follows the last '+' is the offset. */
		if (spec->offset != 0 || (!spec->on_return && strchr(spec->symbol, '+') != NULL))
			strbuf_fmt(b, "+%" PRIu64, spec->offset);
		break;
	case PROBE_USDT:
		if (spec->file[0] == '\0')
			print_python(spec->name, b);
		else
			strbuf_fmt(b, "usdt:%s:%s:%s", spec->file, spec->provider, spec->name);
		break;
	}
}
