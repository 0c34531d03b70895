/* Look-up of system calls, and what their arguments are. */
#include "probe/probe_syscalls.h"

#include <string.h>

#include "arch/syscalls.h"

static const char letters[] = {
	[PROBE_ARG_INT] = 'i',
	[PROBE_ARG_UINT] = 'u',
	[PROBE_ARG_FD] = 'f',
	[PROBE_ARG_DIRFD] = 'd',
	[PROBE_ARG_MODE] = 'o',
	[PROBE_ARG_CREATE] = 'c',
	[PROBE_ARG_FLAGS] = 'x',
	[PROBE_ARG_LONG] = 'l',
	[PROBE_ARG_SIZE] = 'z',
	[PROBE_ARG_WORD] = 'w',
	[PROBE_ARG_PTR] = 'p',
	[PROBE_ARG_PATH] = 'P',
	[PROBE_ARG_STRING] = 's',
};

static const struct probe_arg by_place[PROBE_ARGS] = {
	{ "arg0", PROBE_ARG_WORD },
	{ "arg1", PROBE_ARG_WORD },
	{ "arg2", PROBE_ARG_WORD },
	{ "arg3", PROBE_ARG_WORD },
	{ "arg4", PROBE_ARG_WORD },
	{ "arg5", PROBE_ARG_WORD },
};

static void fill_unknown(const struct arch *arch, uint32_t number, struct probe_syscall *out)
{
	*out = (struct probe_syscall){ .arch = arch, .number = number, .n_args = PROBE_ARGS };
	memcpy(out->args, by_place, sizeof(by_place));
}

static void fill_known(const struct arch *arch, size_t i, struct probe_syscall *out)
{
	const struct arch_syscalls *calls = arch->system->calls;
	const char *at = calls->rows[i].args;

	fill_unknown(arch, (uint32_t)calls->numbers[i], out);
	out->name = calls->rows[i].name;
	if (at[0] == '*') {
		out->returns_pointer = true;
		at += 2;
	}
	if (at[0] == '?')
		return;
	out->known = true;
	out->n_args = 0;
	for (; at[0] != '\0' && out->n_args < PROBE_ARGS; at += strlen(at) + 1) {
		struct probe_arg *arg = &out->args[out->n_args++];
		const char *letter = memchr(letters, at[0], sizeof(letters));

		arg->name = at + 1;
		arg->kind = letter == NULL ? PROBE_ARG_WORD : (enum probe_arg_kind)(letter - letters);
	}
}

bool probe_syscall_at(const struct arch *arch, size_t i, struct probe_syscall *out)
{
	const struct arch_syscalls *calls = arch->system->calls;

	if (i >= calls->n)
		return false;
	fill_known(arch, i, out);
	return true;
}

bool probe_syscall_by_name(const struct arch *arch, const char *name, struct probe_syscall *out)
{
	const struct arch_syscalls *calls = arch->system->calls;

	for (size_t i = 0; i < calls->n; i++) {
		if (calls->numbers[i] >= 0 && strcmp(calls->rows[i].name, name) == 0) {
			fill_known(arch, i, out);
			return true;
		}
	}
	return false;
}

bool probe_syscall_by_number(const struct arch *arch, uint32_t number, struct probe_syscall *out)
{
	const struct arch_syscalls *calls = arch->system->calls;
	const struct arch_syscall *row = arch_syscall_at(calls, (long)number);

	if (row == NULL)
		fill_unknown(arch, number, out);
	else
		fill_known(arch, (size_t)(row - calls->rows), out);
	return row != NULL;
}

int probe_syscall_arg(const struct probe_syscall *call, const char *name)
{
	for (int i = 0; i < call->n_args; i++) {
		if (strcmp(call->args[i].name, name) == 0)
			return i;
	}
	for (int i = 0; i < PROBE_ARGS; i++) {
		if (strcmp(by_place[i].name, name) == 0)
			return i;
	}
	return -1;
}

enum probe_arg_kind probe_syscall_arg_kind(const struct probe_syscall *call, unsigned index)
{
	return index < call->n_args ? call->args[index].kind : PROBE_ARG_WORD;
}

uint32_t probe_syscall_strings(const struct probe_syscall *call)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < call->n_args; i++) {
		if (call->args[i].kind == PROBE_ARG_PATH || call->args[i].kind == PROBE_ARG_STRING)
			bits |= UINT32_C(1) << i;
	}
	return bits;
}

bool probe_arg_is_signed(enum probe_arg_kind kind)
{
	return kind == PROBE_ARG_INT || kind == PROBE_ARG_FD || kind == PROBE_ARG_DIRFD ||
	       kind == PROBE_ARG_LONG;
}

unsigned probe_arg_bytes(enum probe_arg_kind kind, const struct arch *arch)
{
	switch (kind) {
	case PROBE_ARG_INT:
	case PROBE_ARG_UINT:
	case PROBE_ARG_FD:
	case PROBE_ARG_DIRFD:
	case PROBE_ARG_MODE:
	case PROBE_ARG_CREATE:
	case PROBE_ARG_FLAGS:
		return sizeof(uint32_t);
	case PROBE_ARG_LONG:
	case PROBE_ARG_SIZE:
	case PROBE_ARG_WORD:
	case PROBE_ARG_PTR:
	case PROBE_ARG_PATH:
	case PROBE_ARG_STRING:
		break;
	}
	return arch->pointer_size;
}

uint64_t probe_arg_value(enum probe_arg_kind kind, const struct arch *arch, uint64_t raw)
{
	if (probe_arg_bytes(kind, arch) == sizeof(raw))
		return raw;
	return probe_arg_is_signed(kind) ? (uint64_t)(int32_t)raw : (uint32_t)raw;
}
