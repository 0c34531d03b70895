/* See signal_frame.h. */
#include "arch/signal_frame.h"

#include <string.h>

/* Sizes of an alternate stack that are believed, in bytes. */
enum { SIZE_LEAST = 1024, SIZE_LIMIT = 1 << 30 };

/* The words of a ucontext on the alternate stack that it describes: flags (three bits), link
 * (the kernel writes 0), base, flags and size of uc_stack, then registers (Linux
 * arch/x86/include/uapi/asm/ucontext.h, sigcontext.h). */
enum { CONTEXT_FLAGS, CONTEXT_LINK, CONTEXT_BASE, CONTEXT_STACK_FLAGS, CONTEXT_SIZE, CONTEXT_REGS };

static uint64_t word_at(const uint8_t *at, size_t i, size_t word)
{
	uint32_t word32;
	uint64_t word64;

	if (word == sizeof(word32)) {
		memcpy(&word32, at + i * sizeof(word32), sizeof(word32));
		return word32;
	}
	memcpy(&word64, at + i * sizeof(word64), sizeof(word64));
	return word64;
}

/* True if these registers can be a user program's. */
static bool is_user_mode(const struct arch *arch, const uint8_t *regs)
{
	const struct arch_sigcontext *context = &arch->system->context;
	uint64_t flags = word_at(regs, context->flags, arch->pointer_size);
	uint64_t cs = word_at(regs, context->cs, arch->pointer_size) & 0xffff;

	for (size_t i = 0; i < context->n_user_cs; i++) {
		if (cs == context->user_cs[i])
			return (flags & context->user_flags) == context->user_flags;
	}
	return false;
}

/* True if a ucontext is at `at`, address `here` in the target. Pointers on the heap of a debug
 * build resemble limits, so all known words are checked. */
static bool is_context(const struct arch *arch, const uint8_t *at, uint64_t here, uint64_t *sp)
{
	size_t word = arch->pointer_size;
	uint64_t base, size;
	uint32_t flags;

	/* Every word of a stack is tried; these two checks reject most. */
	if (word_at(at, CONTEXT_FLAGS, word) > 7 || word_at(at, CONTEXT_LINK, word) != 0)
		return false;
	flags = (uint32_t)word_at(at, CONTEXT_STACK_FLAGS, word) & ~(1U << 31); /* SS_AUTODISARM */
	base = word_at(at, CONTEXT_BASE, word);
	size = word_at(at, CONTEXT_SIZE, word);
	*sp = word_at(at, CONTEXT_REGS + arch->system->context.sp, word);
	return flags <= 2 && is_user_mode(arch, at + CONTEXT_REGS * word) && base <= here &&
	       here < base + size && size < SIZE_LIMIT && size >= SIZE_LEAST && *sp - base >= size;
}

/* The frame of a handler without SA_SIGINFO, where it is of its own kind, has no stack limits:
 * return address, signal, registers, padding, and code that is never run, which identifies it. */
static bool is_plain_frame(const struct arch *arch, const uint8_t *at, size_t n, uint64_t *sp)
{
	const struct arch_system *system = arch->system;

	for (size_t i = 0; i < system->n_sigreturns; i++) {
		const struct arch_sigreturn *t = &system->sigreturns[i];
		const uint8_t *regs = at + arch->pointer_size + t->at; /* after the return address */

		if (t->copy == 0 || n < (size_t)t->copy + t->n || memcmp(at + t->copy, t->code, t->n) != 0 ||
		    !is_user_mode(arch, regs))
			continue;
		*sp = word_at(regs, system->context.sp, arch->pointer_size);
		return *sp == word_at(regs, system->context.sp_again, arch->pointer_size);
	}
	return false;
}

bool arch_signal_frame_next(const struct arch *arch, struct span *left, uint64_t *here, uint64_t *sp)
{
	const struct arch_system *system = arch->system;
	size_t word = arch->pointer_size, context = (CONTEXT_REGS + system->context.n_words) * word;

	if (system->n_sigreturns == 0)
		return false;
	while (span_left(left) >= word) {
		const uint8_t *at = left->at;
		size_t n = span_left(left);
		uint64_t va = *here;

		left->at += word;
		*here += word;
		if ((n >= context && is_context(arch, at, va, sp)) ||
		    (system->has_plain_frames && is_plain_frame(arch, at, n, sp)))
			return true;
	}
	return false;
}
