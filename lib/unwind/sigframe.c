/* See sigframe.h. */
#include "unwind/sigframe.h"

#include <string.h>

const struct arch_sigreturn *sigframe_at(const struct arch *arch, struct memory *mem, uint64_t pc)
{
	const struct arch_system *system = arch->system;
	uint64_t word, last;
	uint8_t code[ARCH_CODE_MAX];

	if (!memory_word(mem, pc, &word) || !memory_number(mem, pc + sizeof(word), 1, &last))
		return NULL;
	memcpy(code, &word, sizeof(word));
	code[sizeof(word)] = (uint8_t)last;
	for (size_t i = 0; i < system->n_sigreturns; i++) {
		if (memcmp(code, system->sigreturns[i].code, system->sigreturns[i].n) == 0)
			return &system->sigreturns[i];
	}
	return NULL;
}

bool sigframe_step(
    const struct arch *arch, const struct arch_sigreturn *t, struct memory *mem, struct activation *a)
{
	const struct arch_sigcontext *context = &arch->system->context;
	struct unwind_regs next = { .reg = { 0 } };
	uint64_t at = a->regs.reg[arch->sp] + t->at, word;

	if (t->indirect != 0) {
		if (!memory_number(mem, at, arch->pointer_size, &at))
			return false;
		at += t->indirect;
	}
	for (unsigned i = 0; i < context->n_regs; i++) {
		if (context->regs[i] == ARCH_NO_REG)
			continue;
		if (!memory_number(mem, at + arch->pointer_size * (uint64_t)i, arch->pointer_size, &word))
			return false;
		regs_set(&next, context->regs[i], word);
	}
	*a = (struct activation){ next, true };
	return true;
}
