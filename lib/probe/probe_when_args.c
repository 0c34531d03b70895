/* See probe_when_args.h. */
#include "probe/probe_when_args.h"

#include <string.h>

static struct probe_when_arg untyped(const struct arch *arch)
{
	return (struct probe_when_arg){ NULL, PROBE_WHEN_UNTYPED, (uint8_t)arch->pointer_size };
}

bool probe_when_syscall_arg(void *ctx, uint32_t index, struct probe_when_arg *out)
{
	const struct probe_syscall *call = ctx;
	const struct probe_arg *arg;

	if (index >= call->n_args)
		return false;
	arg = &call->args[index];
	*out = untyped(call->arch);
	if (!call->known)
		return true;
	out->name = arg->name;
	out->bytes = (uint8_t)probe_arg_bytes(arg->kind, call->arch);
	if (arg->kind == PROBE_ARG_PATH || arg->kind == PROBE_ARG_STRING)
		out->kind = PROBE_WHEN_STRING;
	else if (arg->kind != PROBE_ARG_WORD)
		out->kind = probe_arg_is_signed(arg->kind) ? PROBE_WHEN_SIGNED : PROBE_WHEN_UNSIGNED;
	return true;
}

/* Errors are negative, whatever else the call returns. */
struct probe_when_arg probe_when_syscall_result(const struct probe_syscall *call)
{
	return (struct probe_when_arg){ NULL, PROBE_WHEN_SIGNED, (uint8_t)call->arch->pointer_size };
}

const struct probe_field *probe_when_field(const struct probe_tracepoint *event, uint32_t index)
{
	static const char common[] = "common_";

	for (size_t i = 0; i < event->n; i++) {
		const struct probe_field *field = &event->fields[i];

		if (strncmp(field->name, common, sizeof(common) - 1) != 0 && index-- == 0)
			return field;
	}
	return NULL;
}

bool probe_when_field_arg(void *ctx, uint32_t index, struct probe_when_arg *out)
{
	const struct probe_field *field = probe_when_field(ctx, index);

	if (field == NULL)
		return false;
	*out = (struct probe_when_arg){ field->name, PROBE_WHEN_UNSIGNED, 0 };
	if (field->form != PROBE_FIELD_VALUE) {
		if (field->is_text)
			out->kind = PROBE_WHEN_STRING;
	} else {
		out->bytes = field->size <= sizeof(uint64_t) ? (uint8_t)field->size : 0;
		if (field->is_signed)
			out->kind = PROBE_WHEN_SIGNED;
	}
	return true;
}

bool probe_when_usdt_arg(void *ctx, uint32_t index, struct probe_when_arg *out)
{
	const struct probe_usdt *probe = ctx;
	const struct probe_usdt_arg *arg;

	if (index >= probe->n_args || index >= PROBE_USDT_ARGS)
		return false;
	arg = &probe->args[index];
	*out = (struct probe_when_arg){ NULL, PROBE_WHEN_UNSIGNED, 0 };
	if (arg->form == PROBE_USDT_UNKNOWN)
		return true;
	out->bytes = arg->bytes;
	if (arg->is_signed)
		out->kind = PROBE_WHEN_SIGNED;
	/* The text of the note says how wide an address is, but not that it is one. */
	else if (arg->bytes >= sizeof(uint32_t))
		out->kind = PROBE_WHEN_UNTYPED;
	return true;
}

bool probe_when_function_arg(void *ctx, uint32_t index, struct probe_when_arg *out)
{
	if (index >= ARCH_ARGS)
		return false;
	*out = untyped(ctx);
	return true;
}

struct probe_when_arg probe_when_function_result(const struct arch *arch)
{
	return untyped(arch);
}
