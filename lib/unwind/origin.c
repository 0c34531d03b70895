/* See origin.h. Programs on musl have no unwind information for the two functions that begin a
 * stack, and glibc's dynamic loader has none for its own; stripped files have no symbols either.
 * Their code has hardly changed for as long as they exist. */
#include "unwind/origin.h"

#include <string.h>

#include "arch/stubs.h"
#include "unwind/callsite.h"

/* The most words between sp and the return address to an origin. musl's functions that an origin
 * calls have five. */
enum { WORDS = 32 };

static bool has_code(struct memory *mem, uint64_t va, const struct arch_origin *is)
{
	for (size_t i = 0; i < is->n; i += sizeof(uint64_t)) {
		size_t n = is->n - i < sizeof(uint64_t) ? is->n - i : sizeof(uint64_t);
		uint64_t word;
		uint8_t bytes[sizeof(word)];

		if (!memory_number(mem, va + i, n, &word))
			return false;
		memcpy(bytes, &word, sizeof(word));
		for (size_t k = 0; k < n; k++) {
			if (bytes[k] != is->code[i + k] && (is->varies >> (i + k) & 1) == 0)
				return false;
		}
	}
	return true;
}

bool origin_returns_to(const struct arch *arch, struct memory *mem, uint64_t ra)
{
	const struct arch_stubs *stubs = arch->stubs;

	for (size_t i = 0; stubs != NULL && i < stubs->n_origins; i++) {
		if (ra >= stubs->origins[i].at &&
		    has_code(mem, ra - stubs->origins[i].at, &stubs->origins[i]))
			return true;
	}
	return false;
}

/* Is the word possibly a return address? The call before it may be in memory that cannot be read: a
 * core lacks the code of files that are not at hand. */
static bool may_return_to(const struct engine_target *t, uint64_t word)
{
	uint64_t last;

	if (word == 0 || !call_is_code(t->P, word - 1))
		return false;
	return !memory_number(t->mem, word - 1, 1, &last) || call_is_before(t->arch, t->mem, word);
}

bool origin_step(struct engine_target *t, struct activation *a)
{
	const struct arch *arch = t->arch;
	uint64_t at = a->regs.reg[arch->sp], word;
	struct activation origin = { .exact = false };

	if (a->exact || arch->stubs == NULL || arch->stubs->n_origins == 0 || at % arch->pointer_size != 0)
		return false;
	for (int i = 0; i < WORDS; i++, at += arch->pointer_size) {
		if (!memory_number(t->mem, at, arch->pointer_size, &word))
			return false;
		if (!may_return_to(t, word))
			continue;
		if (!origin_returns_to(arch, t->mem, word))
			return false;
		regs_set(&origin.regs, arch->pc, word);
		regs_set(&origin.regs, arch->sp, at + arch->pointer_size);
		*a = origin;
		return true;
	}
	return false;
}
