/* Arguments of probes, for conditions. */
#include "probe/probe_arguments.h"

#include <string.h>

static bool arg_of_call(const struct probe_syscall *call, uint32_t i, struct probe_when_arg *out)
{
	enum probe_arg_kind kind;

	if (i >= call->n_args)
		return false;
	kind = call->args[i].kind;
	out->name = call->known ? call->args[i].name : NULL;
	out->bytes = (uint8_t)probe_arg_bytes(kind, call->arch);
	if (kind == PROBE_ARG_PATH || kind == PROBE_ARG_STRING)
		out->kind = PROBE_WHEN_STRING;
	else if (kind == PROBE_ARG_PTR || kind == PROBE_ARG_WORD)
		out->kind = out->bytes == sizeof(uint64_t) ? PROBE_WHEN_UNTYPED : PROBE_WHEN_UNSIGNED;
	else
		out->kind = probe_arg_is_signed(kind) ? PROBE_WHEN_SIGNED : PROBE_WHEN_UNSIGNED;
	return true;
}

const struct probe_field *probe_arguments_field(const struct probe_tracepoint *tracepoint, uint32_t i)
{
	static const char common[] = "common_";

	for (size_t k = 0; k < tracepoint->n; k++) {
		if (strncmp(tracepoint->fields[k].name, common, sizeof(common) - 1) == 0)
			continue;
		if (i-- == 0)
			return &tracepoint->fields[k];
	}
	return NULL;
}

static bool arg_of_tracepoint(
    const struct probe_tracepoint *tracepoint, uint32_t i, struct probe_when_arg *out)
{
	const struct probe_field *field = probe_arguments_field(tracepoint, i);

	if (field == NULL)
		return false;
	*out = (struct probe_when_arg){ .name = field->name, .kind = PROBE_WHEN_UNSIGNED };
	if (field->form == PROBE_FIELD_VALUE) {
		out->kind = field->is_signed ? PROBE_WHEN_SIGNED : PROBE_WHEN_UNSIGNED;
		out->bytes = (uint8_t)field->size;
	} else if (field->is_text) {
		out->kind = PROBE_WHEN_STRING;
	}
	return true;
}

/* CPython Include/pydtrace.d and Doc/howto/instrumentation.rst. */
static const struct {
	const char *probe;
	struct {
		const char *name;
		bool is_text;
	} args[3];
} python_probes[] = {
	{ "function__entry", { { "filename", true }, { "funcname", true }, { "lineno", false } } },
	{ "function__return", { { "filename", true }, { "funcname", true }, { "lineno", false } } },
	{ "line", { { "filename", true }, { "funcname", true }, { "lineno", false } } },
	{ "gc__start", { { "generation", false } } },
	{ "gc__done", { { "collected", false } } },
	{ "import__find__load__start", { { "modulename", true } } },
	{ "import__find__load__done", { { "modulename", true }, { "found", false } } },
	{ "audit", { { "event", true }, { "tuple", false } } },
};

const char *probe_arguments_python(const struct probe_usdt *usdt, uint32_t i, bool *is_text)
{
	if (i >= 3 || strcmp(usdt->provider, "python") != 0)
		return NULL;
	for (size_t k = 0; k < sizeof(python_probes) / sizeof(python_probes[0]); k++) {
		if (strcmp(usdt->name, python_probes[k].probe) == 0) {
			*is_text = python_probes[k].args[i].is_text;
			return python_probes[k].args[i].name;
		}
	}
	return NULL;
}

static bool arg_of_usdt(const struct probe_usdt *usdt, uint32_t i, struct probe_when_arg *out)
{
	const struct probe_usdt_arg *arg;
	bool is_text = false;

	if (i >= usdt->n_args)
		return false;
	arg = &usdt->args[i];
	*out = (struct probe_when_arg){ .kind = PROBE_WHEN_UNSIGNED };
	out->name = probe_arguments_python(usdt, i, &is_text);
	/* One whose place is not understood exists, but has no bytes to compare. */
	if (arg->form == PROBE_USDT_UNKNOWN)
		return true;
	out->bytes = arg->bytes;
	if (is_text)
		out->kind = PROBE_WHEN_STRING;
	else if (arg->is_signed)
		out->kind = PROBE_WHEN_SIGNED;
	else if (arg->bytes == sizeof(uint64_t))
		out->kind = PROBE_WHEN_UNTYPED;
	return true;
}

static bool arg_of_function(uint32_t i, struct probe_when_arg *out)
{
	*out = (struct probe_when_arg){ .kind = PROBE_WHEN_UNTYPED, .bytes = sizeof(uint64_t) };
	return i < PROBE_ARGS;
}

static bool arg_at(void *ctx, uint32_t i, struct probe_when_arg *out)
{
	const struct probe_arguments *a = ctx;

	if (a->call != NULL)
		return arg_of_call(a->call, i, out);
	if (a->tracepoint != NULL)
		return arg_of_tracepoint(a->tracepoint, i, out);
	return a->usdt != NULL ? arg_of_usdt(a->usdt, i, out) : arg_of_function(i, out);
}

void probe_arguments_names(struct probe_arguments *a, struct probe_when_names *out)
{
	a->retval = (struct probe_when_arg){ .kind = PROBE_WHEN_UNTYPED, .bytes = sizeof(uint64_t) };
	if (a->call != NULL) {
		a->retval.bytes = a->call->arch->pointer_size;
		/* Also of a call that returns an address: errors are negative numbers. */
		a->retval.kind = PROBE_WHEN_SIGNED;
	}
	*out =
	    (struct probe_when_names){ .arg = arg_at, .ctx = a, .retval = a->on_return ? &a->retval : NULL };
}
