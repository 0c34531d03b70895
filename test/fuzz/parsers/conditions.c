/* What a user writes: conditions of --when, probes of --at, and the arguments of static probes, which
 * a file has. Byte 0: which of them; the text follows. */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "parsers.h"
#include "probe/probe_usdt.h"
#include "probe/probe_when.h"

static bool argument(void *ctx, uint32_t index, struct probe_when_arg *out)
{
	static const struct probe_when_arg args[] = {
		{ "fd", PROBE_WHEN_SIGNED, 4 },
		{ "size", PROBE_WHEN_UNSIGNED, 8 },
		{ "path", PROBE_WHEN_STRING, 8 },
		{ NULL, PROBE_WHEN_UNTYPED, 8 },
	};

	(void)ctx;
	if (index >= sizeof(args) / sizeof(args[0]))
		return false;
	*out = args[index];
	return true;
}

/* A compiled condition decides each event, whatever its values are. */
static void evaluate(const struct probe_when *when)
{
	static struct probe_when_values values;

	for (unsigned i = 0; i < 4; i++) {
		memset(&values, 0, sizeof(values));
		values.unknown = i == 3 ? UINT32_MAX : 0;
		for (size_t k = 0; k < PROBE_WHEN_SUBJECTS; k++)
			values.number[k] = i * UINT64_C(0x123456789abcdef);
		for (size_t k = 0; k < PROBE_WHEN_LIMIT; k++) {
			values.text[k].known = i % 2;
			values.text[k].n = 8;
			memcpy(values.text[k].at, "/var/log", 8);
		}
		fuzz_must(probe_when_eval(when, &values) <= PROBE_WHEN_UNKNOWN);
	}
}

static void compile(const char *text)
{
	static const struct probe_when_arg retval = { NULL, PROBE_WHEN_SIGNED, 8 };
	static struct probe_when when;
	const struct probe_when_names names = { argument, NULL, &retval };
	struct probe_when_value value;
	struct fault f;

	if (probe_when_parse(text, &names, &when, &f) == RES_OK)
		evaluate(&when);
	else
		fuzz_must(f.text[0] != '\0');
	(void)probe_when_parse_value(text, &names, &value, &f);
}

/* The canonical form means the same. */
static void parse_probe(const char *text)
{
	static struct probe_spec spec, again;
	struct strbuf printed = STRBUF_EMPTY;
	struct fault f;

	memset(&spec, 0, sizeof(spec));
	memset(&again, 0, sizeof(again));
	if (probe_spec_parse(text, &spec, &f) != RES_OK) {
		fuzz_must(f.text[0] != '\0');
		return;
	}
	probe_spec_print(&spec, &printed);
	fuzz_must(probe_spec_parse(strbuf_text(&printed), &again, &f) == RES_OK);
	fuzz_must(spec.kind == again.kind && spec.hz == again.hz && spec.offset == again.offset);
	fuzz_must(strcmp(spec.file, again.file) == 0 && strcmp(spec.name, again.name) == 0);
	fuzz_must(strcmp(spec.symbol, again.symbol) == 0 && strcmp(spec.call, again.call) == 0);
	strbuf_free(&printed);
}

void fuzz_conditions(const uint8_t *data, size_t n)
{
	struct probe_usdt_arg args[PROBE_USDT_ARGS];
	char *text;

	if (n == 0)
		return;
	text = fuzz_copy(data, n);
	memmove(text, text + 1, n - 1);
	text[n - 1] = '\0';
	switch (data[0] % 4) {
	case 0:
		compile(text);
		break;
	case 1:
		parse_probe(text);
		break;
	default:
		(void)probe_usdt_parse_args(data[0] % 4 == 2 ? &arch_x86_64 : &arch_i386, text, args);
	}
	free(text);
}
