/* Where a thread is that returns to the trampoline of a uretprobe, by its registers. Unit tests
 * include this file too, so that they run what the kernel runs.
 *
 * The trampoline is a breakpoint, or on x86-64 since Linux 6.11 the first of these instructions
 * (arch/x86/kernel/uprobes.c). Its function's return address was in the word `slot`; while the
 * kernel lists it, memory has the trampoline's instead:
 *
 *   at  0  push %rax          sp = slot + 8    listed
 *       1  push %rcx               slot        listed
 *       2  push %r11               slot - 8    listed
 *       4  mov $335, %rax          slot - 16   listed
 *      11  syscall                 slot - 16   listed
 *      13  pop %r11                slot - 16   the address is in its slot
 *      15  pop %rcx                slot - 8    the same
 *      16  ret                     slot        the same
 *
 * The kernel makes the thread's registers those of the program while it handles the call, and shows
 * them to tracers. So in the kernel these come as well, with `at` 13 but where it says otherwise:
 *
 *    sp = slot - 16 or slot + 8    listed: the call begins, and sp is set
 *    sp = slot + 8, ip = the address    then it is unlisted
 *    sp = slot - 16, ip = the address   not yet set back: pc and sp are of two moments
 *    sp = slot - 16                     not listed, and not in its slot yet
 *    sp = slot - 16, cx = ip            it is in its slot */
#ifndef PROBE_BPF_RETURN_EVAL_H
#define PROBE_BPF_RETURN_EVAL_H

#include <stdint.h>

enum {
	PROBE_RETURN_AFTER_CALL = 13,
	PROBE_RETURN_AFTER_POP = 15,
	PROBE_RETURN_AT_RET = 16,
	PROBE_RETURN_PAGE = 4096, /* bytes of the page that begins with the trampoline */
};

/* The registers of a thread, of 64 bits each. */
struct probe_return_regs {
	uint64_t ip, sp, ax, cx, r11, call; /* call: orig_ax */
	uint32_t word;                      /* bytes of a pointer of the program */
};

/* Is the thread, which is `at` bytes from the trampoline's start, in the trampoline of the listed
 * return address of this slot? at ≥ PROBE_RETURN_PAGE: has it just left it? */
static inline int probe_return_is_listed(const struct probe_return_regs *r, uint64_t at, uint64_t slot)
{
	uint64_t pushed = slot + r->word - r->sp;

	if (pushed == 0)
		return at <= 1 || at == PROBE_RETURN_AFTER_CALL || at >= PROBE_RETURN_PAGE;
	if (r->word != 8)
		return 0;
	if (at <= 2)
		return at != 0 && pushed == 8 * at;
	return at <= PROBE_RETURN_AFTER_CALL && pushed == 24;
}

/* No address is listed for the thread. Is it in its slot? *slot: where that is. */
static inline int probe_return_is_back(const struct probe_return_regs *r, uint64_t at, uint64_t *slot)
{
	*slot = r->sp;
	if (r->word != 8)
		return 0;
	if (at == PROBE_RETURN_AT_RET)
		return 1;
	*slot += 8;
	if (at == PROBE_RETURN_AFTER_POP)
		return 1;
	*slot += 8;
	return at == PROBE_RETURN_AFTER_CALL && r->cx == r->ip && r->call == ~0ull;
}

/* The thread is in the kernel, and outside of the page. Can it be in the call of a trampoline? */
static inline int probe_return_may_call(const struct probe_return_regs *r)
{
	return r->word == 8 && r->call == ~0ull;
}

/* It can. Are its pc and its sp of two moments? words: the three at sp. Others may be the same by
 * chance: so the caller is not known then. */
static inline int probe_return_is_torn(const struct probe_return_regs *r, const uint64_t *words)
{
	return words[0] == r->r11 && words[1] == r->cx && words[2] == r->ax;
}

#endif
