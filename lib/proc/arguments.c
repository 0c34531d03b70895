/* See arguments.h. */
#include "proc/arguments.h"

#include "arch/arch.h"
#include "proc/handle.h"

static uint_t stored_arguments(struct ps_prochandle *P, const struct arguments_frame *frame, long argv[])
{
	const uintptr_t pc = frame->pc;
	struct arch_stored_arg stored[ARCH_ARGS];
	uint8_t code[ARCH_START_BYTES];
	GElf_Sym sym;
	char name[2];
	uint_t argc = 0, found;
	ssize_t got;
	size_t n;

	if (Plookup_by_addr(P, frame->exact ? pc : pc - 1, name, sizeof(name), &sym) != 0 ||
	    sym.st_value >= pc)
		return 0;
	got = Pread(P, code, sizeof(code), sym.st_value);
	n = got <= 0 ? 0 : (size_t)got;
	if (pc - sym.st_value < n)
		n = pc - sym.st_value; /* instructions up to pc only */
	found = handle_arch(P)->stored_args(code, n, stored);
	for (; argc < found; argc++) {
		const struct arch_stored_arg *s = &stored[argc];
		uint64_t value = 0;

		if (Pread(P, &value, s->size, frame->fp + (uint64_t)(int64_t)s->at) != (ssize_t)s->size)
			break;
		argv[argc] = (long)value;
	}
	return argc;
}

static uint_t passed_arguments(struct ps_prochandle *P, const struct arguments_frame *frame, long argv[])
{
	uint8_t code[ARCH_AFTER_CALL_BYTES];
	uint32_t words[ARGUMENTS_MAX];
	ssize_t got = Pread(P, words, sizeof(words), frame->fp + 2 * sizeof(uint32_t));
	uint_t argc = got <= 0 ? 0 : (uint_t)((size_t)got / sizeof(words[0]));

	if (argc > 0 && Pread(P, code, sizeof(code), frame->ra) == (ssize_t)sizeof(code))
		argc = handle_arch(P)->passed_args(code, argc);
	for (uint_t i = 0; i < argc; i++)
		argv[i] = (long)words[i];
	return argc;
}

uint_t arguments_of(struct ps_prochandle *P, const struct arguments_frame *frame, long argv[ARGUMENTS_MAX])
{
	return handle_arch(P)->passed_args != NULL ? passed_arguments(P, frame, argv)
						   : stored_arguments(P, frame, argv);
}
