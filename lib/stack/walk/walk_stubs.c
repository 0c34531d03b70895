/* Code caught without a frame.
 *
 * libffi's trampolines are a few instructions without unwind information, or with wrong
 * information, that jump on into libffi. A thread caught in one has no frame, except two words that
 * some forms push, so the code shows where the return address is (libffi 3.2 to 3.5,
 * src/x86/{ffi64.c,unix64.S}; CPython's closures have the same form). */
#include "stack/walk/walk_stubs.h"

#include <string.h>

enum effect { NOTHING, PUSHES, PUSHED, ENDS, ENDS_PUSHED };

static const struct ffi_form {
	uint8_t code[5], n, more; /* bytes, and the size of the operand that follows */
	uint8_t effect;
} ffi_forms[] = {
	{ { 0xf3, 0x0f, 0x1e, 0xfa }, 4, 0, NOTHING },      /* endbr64 */
	{ { 0x4c, 0x8d, 0x15 }, 3, 4, NOTHING },            /* lea X(%rip),%r10 */
	{ { 0x49, 0xba }, 2, 8, NOTHING },                  /* movabs $X,%r10 */
	{ { 0x49, 0xbb }, 2, 8, NOTHING },                  /* movabs $X,%r11 */
	{ { 0xf8 }, 1, 0, NOTHING },                        /* clc */
	{ { 0xf9 }, 1, 0, NOTHING },                        /* stc */
	{ { 0x48, 0x83, 0xec, 0x10 }, 4, 0, PUSHES },       /* sub $16,%rsp */
	{ { 0x4c, 0x89, 0x14, 0x24 }, 4, 0, PUSHED },       /* mov %r10,(%rsp) */
	{ { 0x4c, 0x8b, 0x15 }, 3, 4, PUSHED },             /* mov X(%rip),%r10 */
	{ { 0x4c, 0x89, 0x54, 0x24, 0x08 }, 5, 0, PUSHED }, /* mov %r10,8(%rsp) */
	{ { 0xff, 0x25 }, 2, 4, ENDS },                     /* jmp *X(%rip) */
	{ { 0x49, 0xff, 0xe3 }, 3, 0, ENDS },               /* jmp *%r11 */
	{ { 0x41, 0xff, 0xe3 }, 3, 0, ENDS },               /* jmp *%r11 */
	{ { 0x41, 0xff, 0xe2 }, 3, 0, ENDS_PUSHED },        /* jmp *%r10 */
};

static const struct ffi_form *ffi_form_at(const uint8_t *code, size_t n)
{
	for (size_t i = 0; i < sizeof(ffi_forms) / sizeof(ffi_forms[0]); i++) {
		if (n >= ffi_forms[i].n && memcmp(code, ffi_forms[i].code, ffi_forms[i].n) == 0)
			return &ffi_forms[i];
	}
	return NULL;
}

/* Does the rest of a trampoline begin at code? *above: bytes from sp to the return address. */
static bool is_ffi_stub(const uint8_t *code, size_t n, uint64_t *above)
{
	bool pushes = false, pushed = false;
	const struct ffi_form *f;

	for (size_t i = 0; i < n && (f = ffi_form_at(code + i, n - i)) != NULL; i += f->n + (size_t)f->more) {
		pushes |= f->effect == PUSHES;
		pushed |= f->effect == PUSHED || f->effect == ENDS_PUSHED;
		if (f->effect == ENDS || f->effect == ENDS_PUSHED) {
			*above = pushed && !pushes ? 16 : 0;
			return true;
		}
	}
	return false;
}

/* Is pc where trampolines that push lead? The code there drops what they pushed, and its unwind
 * information does not know of it. */
static bool is_ffi_landing(struct ps_prochandle *P, uint64_t pc)
{
	static const uint8_t landing[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x4c, 0x8b, 0x54, 0x24, 0x08, 0x48, 0x83,
		0xc4, 0x10, 0xe9 };
	static const uint8_t begins[] = { 0, 4, 9 }; /* endbr64 │ mov 8(%rsp),%r10 │ add $16,%rsp; jmp */
	uint8_t code[sizeof(landing)];

	for (size_t i = 0; i < sizeof(begins); i++) {
		if (Pread(P, code, sizeof(code), pc - begins[i]) == (ssize_t)sizeof(code) &&
		    memcmp(code, landing, sizeof(landing)) == 0)
			return true;
	}
	return false;
}

/* CPython's trampolines for perf (3.12 to 3.15, Python/asm_trampoline.S): code without unwind
 * information. places[i]: what the stack holds before the instruction at offset i. */
enum { P_BARE, P_WORD, P_RBP, P_WITHIN };

static const struct perf_form {
	uint8_t code[15], n, places[15];
} perf_forms[] = {
	/* endbr64; sub $8,%rsp; call *%rcx; add $8,%rsp; ret */
	{ { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8, 0xff, 0xd1, 0x48, 0x83, 0xc4, 8, 0xc3 }, 15,
	    { P_BARE, P_WITHIN, P_WITHIN, P_WITHIN, P_BARE, P_WITHIN, P_WITHIN, P_WITHIN, P_WORD, P_WITHIN,
		P_WORD, P_WITHIN, P_WITHIN, P_WITHIN, P_BARE } },
	/* endbr64; push %rbp; mov %rsp,%rbp; call *%rcx; pop %rbp; ret */
	{ { 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd1, 0x5d, 0xc3 }, 12,
	    { P_BARE, P_WITHIN, P_WITHIN, P_WITHIN, P_BARE, P_RBP, P_WITHIN, P_WITHIN, P_RBP, P_WITHIN, P_RBP,
		P_BARE } },
};

/* endbr64 is there only if the processor's checks of jumps (CET) are built in. */
static bool in_perf_trampoline(struct ps_prochandle *P, const struct native_frame *fr, struct walk_stub *out)
{
	enum { ENDBR = 4 };
	uint8_t code[sizeof(perf_forms[0].code)];

	for (size_t f = 0; fr->no_cfi && f < sizeof(perf_forms) / sizeof(perf_forms[0]); f++) {
		const struct perf_form *form = &perf_forms[f];

		for (size_t i = 0; i < form->n; i++) {
			size_t from = i < ENDBR ? 0 : ENDBR, n = form->n - from;

			if (form->places[i] == P_WITHIN ||
			    Pread(P, code, n, fr->pc - (i - from)) != (ssize_t)n ||
			    memcmp(code, form->code + from, n) != 0)
				continue;
			*out = (struct walk_stub){ fr->sp + (form->places[i] == P_BARE ? 0 : 8),
				form->places[i] == P_RBP };
			return true;
		}
	}
	return false;
}

bool walk_stub_at(struct ps_prochandle *P, const struct native_frame *fr, struct walk_stub *out)
{
	enum { LONGEST = 40 };
	uint8_t code[LONGEST];
	uint64_t above = 16;
	ssize_t n;

	if (!fr->exact)
		return false;
	if (in_perf_trampoline(P, fr, out))
		return true;
	n = Pread(P, code, sizeof(code), fr->pc);
	if (n <= 0 || !(is_ffi_landing(P, fr->pc) || (fr->no_cfi && is_ffi_stub(code, (size_t)n, &above))))
		return false;
	*out = (struct walk_stub){ fr->sp + above, false };
	return true;
}

/* Is the LWP, in clone or clone3, the new thread? Then it is on the stack that the caller of
 * clone() has in rsi, or on that of the struct clone_args in rdi (Linux uapi/linux/sched.h). */
static bool on_given_stack(struct ps_prochandle *P, const struct unwind_regs *regs)
{
	enum { RSI = 4, RDI = 5, STACK_AT = 40 };
	uint64_t sp = regs->reg[UNWIND_DWARF_RSP], stack[2];

	return sp == regs->reg[RSI] ||
	       (Pread(P, stack, sizeof(stack), regs->reg[RDI] + STACK_AT) == sizeof(stack) &&
		   stack[0] + stack[1] == sp);
}

/* syscall; test %rax,%rax; jl error; je of_the_newborn; ret (x86-64: glibc 2.31 to 2.43
 * sysdeps/unix/sysv/linux/x86_64/{clone.S,clone3.S}) */
enum walk_clone walk_clone_at(
    struct ps_prochandle *P, const struct native_frame *fr, const struct unwind_regs *regs)
{
	enum { OPERAND = 6, LENGTH = 10, ARGS = 1 << 4 | 1 << 5 };
	static const uint8_t form[LENGTH] = { 0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c, 0, 0x74, 0x01, 0xc3 };
	static const struct {
		uint8_t at;
		bool both; /* either thread may be here */
	} places[] = { { 0, false }, { 2, true }, { 5, true }, { 7, true }, { 9, false } };
	uint8_t code[LENGTH];

	for (size_t i = 0; fr->exact && fr->no_cfi && i < sizeof(places) / sizeof(places[0]); i++) {
		if (fr->pc < places[i].at ||
		    Pread(P, code, sizeof(code), fr->pc - places[i].at) != (ssize_t)sizeof(code))
			continue;
		code[OPERAND] = 0;
		if (memcmp(code, form, sizeof(form)) != 0)
			continue;
		if (!places[i].both)
			return WALK_CLONE_CALLER;
		if ((regs->known >> UNWIND_DWARF_RAX & 1) == 0 && (regs->known & ARGS) == ARGS)
			return on_given_stack(P, regs) ? WALK_CLONE_NEWBORN : WALK_CLONE_CALLER;
		if ((regs->known >> UNWIND_DWARF_RAX & 1) == 0)
			return WALK_CLONE_NOT;
		return regs->reg[UNWIND_DWARF_RAX] == 0 ? WALK_CLONE_NEWBORN : WALK_CLONE_CALLER;
	}
	return WALK_CLONE_NOT;
}

bool walk_perf_caller(struct ps_prochandle *P, const struct native_frame *fr, struct unwind_perf_caller *out)
{
	uint8_t code[UNWIND_PERF_BYTES];
	enum unwind_perf_trampoline kind;
	uint64_t words[2];

	if (fr->exact || fr->gap || walk_is_32bit(P) || Pread(P, code, sizeof(code), fr->pc) != sizeof(code))
		return false;
	kind = unwind_perf_trampoline(code);
	if (kind == UNWIND_PERF_NONE || Pread(P, words, sizeof(words), fr->sp) != sizeof(words))
		return false;
	*out = unwind_perf_caller(kind, fr->sp, words);
	return true;
}
