/* Stubs of x86-64. */
#include "arch/stubs.h"

#include <string.h>

enum { ENDBR = 4 }; /* endbr64 is there only if the processor's checks of jumps (CET) are built in */
enum { BARE = ARCH_PERF_BARE, WORD = ARCH_PERF_WORD, FP = ARCH_PERF_FP, WITHIN = ARCH_PERF_WITHIN };

static const struct arch_perf perf[] = {
	/* endbr64; sub $8,%rsp; call *%rcx; add $8,%rsp; ret */
	{ .code = { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8, 0xff, 0xd1, 0x48, 0x83, 0xc4, 8, 0xc3 },
	    .n = 15,
	    .optional = ENDBR,
	    .end = 10,
	    .places = { BARE, WITHIN, WITHIN, WITHIN, BARE, WITHIN, WITHIN, WITHIN, WORD, WITHIN, WORD,
		WITHIN, WITHIN, WITHIN, BARE } },
	/* endbr64; push %rbp; mov %rsp,%rbp; call *%rcx; pop %rbp; ret */
	{ .code = { 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd1, 0x5d, 0xc3 },
	    .n = 12,
	    .optional = ENDBR,
	    .end = 10,
	    .places = { BARE, WITHIN, WITHIN, WITHIN, BARE, FP, WITHIN, WITHIN, FP, WITHIN, FP, BARE } },
};

static const struct arch_ffi_insn ffi_insns[] = {
	{ { 0xf3, 0x0f, 0x1e, 0xfa }, 4, 0, ARCH_FFI_NOTHING },      /* endbr64 */
	{ { 0x4c, 0x8d, 0x15 }, 3, 4, ARCH_FFI_NOTHING },            /* lea X(%rip),%r10 */
	{ { 0x49, 0xba }, 2, 8, ARCH_FFI_NOTHING },                  /* movabs $X,%r10 */
	{ { 0x49, 0xbb }, 2, 8, ARCH_FFI_NOTHING },                  /* movabs $X,%r11 */
	{ { 0xf8 }, 1, 0, ARCH_FFI_NOTHING },                        /* clc */
	{ { 0xf9 }, 1, 0, ARCH_FFI_NOTHING },                        /* stc */
	{ { 0x48, 0x83, 0xec, 0x10 }, 4, 0, ARCH_FFI_PUSHES },       /* sub $16,%rsp */
	{ { 0x4c, 0x89, 0x14, 0x24 }, 4, 0, ARCH_FFI_PUSHED },       /* mov %r10,(%rsp) */
	{ { 0x4c, 0x8b, 0x15 }, 3, 4, ARCH_FFI_PUSHED },             /* mov X(%rip),%r10 */
	{ { 0x4c, 0x89, 0x54, 0x24, 0x08 }, 5, 0, ARCH_FFI_PUSHED }, /* mov %r10,8(%rsp) */
	{ { 0xff, 0x25 }, 2, 4, ARCH_FFI_ENDS },                     /* jmp *X(%rip) */
	{ { 0x49, 0xff, 0xe3 }, 3, 0, ARCH_FFI_ENDS },               /* jmp *%r11 */
	{ { 0x41, 0xff, 0xe3 }, 3, 0, ARCH_FFI_ENDS },               /* jmp *%r11 */
	{ { 0x41, 0xff, 0xe2 }, 3, 0, ARCH_FFI_ENDS_PUSHED },        /* jmp *%r10 */
};

/* No register or memory has a meaning at the return address. */
static const struct arch_origin origins[] = {
	/* musl 1.0 to 1.2.6. */
	/* syscall; test %eax,%eax; jne; xor %ebp,%ebp; pop %rdi; call *%r9; mov %eax,%edi;
	 * xor %eax,%eax; mov $60,%al; syscall (src/thread/x86_64/clone.s) */
	{ .code = { 0x0f, 0x05, 0x85, 0xc0, 0x75, 0, 0x31, 0xed, 0x5f, 0x41, 0xff, 0xd1, 0x89, 0xc7, 0x31,
	      0xc0, 0xb0, 60, 0x0f, 0x05 },
	    .n = 20,
	    .at = 12,
	    .varies = 1U << 5 },
	/* xor %rbp,%rbp; mov %rsp,%rdi; lea _DYNAMIC(%rip),%rsi; and $-16,%rsp; call _start_c
	 * (arch/x86_64/crt_arch.h) */
	{ .code = { 0x48, 0x31, 0xed, 0x48, 0x89, 0xe7, 0x48, 0x8d, 0x35, 0, 0, 0, 0, 0x48, 0x83, 0xe4, 0xf0,
	      0xe8 },
	    .n = 18,
	    .at = 22,
	    .varies = 15U << 9 },
	/* glibc's dynamic loader (sysdeps/x86_64/dl-machine.h, RTLD_START): mov %rsp,%rdi; call
	 * _dl_start; mov %rax,%r12; and then, up to 2.35, mov _dl_skip_args(%rip),%eax; pop %rdx;
	 * lea (%rsp,%rax,8),%rsp */
	{ .code = { 0x48, 0x89, 0xe7, 0xe8, 0, 0, 0, 0, 0x49, 0x89, 0xc4, 0x8b, 0x05, 0, 0, 0, 0, 0x5a, 0x48,
	      0x8d, 0x24, 0xc4 },
	    .n = 22,
	    .at = 8,
	    .varies = 15U << 4 | 15U << 13 },
	/* 2.36: mov (%rsp),%rdx; mov %rdx,%rsi; mov %rsp,%r13 */
	{ .code = { 0x48, 0x89, 0xe7, 0xe8, 0, 0, 0, 0, 0x49, 0x89, 0xc4, 0x48, 0x8b, 0x14, 0x24, 0x48, 0x89,
	      0xd6, 0x49, 0x89, 0xe5 },
	    .n = 21,
	    .at = 8,
	    .varies = 15U << 4 },
	/* From 2.37 on: mov %rsp,%r13; mov (%rsp),%rdx; mov %rdx,%rsi */
	{ .code = { 0x48, 0x89, 0xe7, 0xe8, 0, 0, 0, 0, 0x49, 0x89, 0xc4, 0x49, 0x89, 0xe5, 0x48, 0x8b, 0x14,
	      0x24, 0x48, 0x89, 0xd6 },
	    .n = 21,
	    .at = 8,
	    .varies = 15U << 4 },
	/* All: xor %ebp,%ebp; call _dl_init; lea _dl_fini(%rip),%rdx; mov %r13,%rsp; jmp *%r12 */
	{ .code = { 0x31, 0xed, 0xe8, 0, 0, 0, 0, 0x48, 0x8d, 0x15, 0, 0, 0, 0, 0x4c, 0x89, 0xec, 0x41, 0xff,
	      0xe4 },
	    .n = 20,
	    .at = 7,
	    .varies = 15U << 3 | 15U << 10 },
};

/* add $n,%rsp or none, pops, ret */
static bool find_restores(const uint8_t *code, size_t n, struct arch_restores *out)
{
	static const uint8_t add[] = { 0x48, 0x83, 0xc4 };
	enum { RET = 0xc3, POP = 0x58, REX_B = 0x41, RBX = 3, RBP = 5, R12 = 4, RBP_DWARF = 6 };
	struct arch_restores r = { .n = 0 };
	size_t i = 0;

	n = n < ARCH_RESTORE_BYTES ? n : ARCH_RESTORE_BYTES;
	if (n > 4 && memcmp(code, add, sizeof(add)) == 0 && code[3] < 0x80) {
		r.ra = code[3];
		i = 4;
	}
	for (; i + 1 < n && code[i] != RET; i++, r.n++, r.ra = (uint16_t)(r.ra + 8)) {
		bool high = code[i] == REX_B; /* r8 … r15 */
		unsigned reg;

		i += high;
		reg = code[i] - (unsigned)POP;
		if (reg > 7 || (high ? reg < R12 : reg != RBX && reg != RBP))
			return false;
		r.reg[r.n] = (uint8_t)(high ? reg + 8 : reg == RBX ? RBX : RBP_DWARF);
		r.at[r.n] = r.ra;
	}
	if (i >= n || code[i] != RET)
		return false;
	*out = r;
	return true;
}

static size_t push_at(const uint8_t *code)
{
	bool high = code[0] == 0x41;

	return (code[high] & 0xf8) == 0x50 ? 1U + high : 0;
}

static size_t push_before(const uint8_t *end)
{
	return push_at(end - 2) == 2 ? 2 : push_at(end - 1);
}

const struct arch_stubs arch_stubs_x86_64 = {
	.perf = perf,
	.n_perf = sizeof(perf) / sizeof(perf[0]),
	.ffi = { .insns = ffi_insns,
	    .n_insns = sizeof(ffi_insns) / sizeof(ffi_insns[0]),
	    .pushed = 16,
	    /* endbr64 │ mov 8(%rsp),%r10 │ add $16,%rsp; jmp */
	    .landing = { 0xf3, 0x0f, 0x1e, 0xfa, 0x4c, 0x8b, 0x54, 0x24, 0x08, 0x48, 0x83, 0xc4, 0x10, 0xe9 },
	    .n_landing = 14,
	    .begins = { 0, 4, 9 },
	    .n_begins = 3 },
	/* syscall; test %rax,%rax; jl error; je of_the_newborn; ret (glibc 2.31 to 2.43
	 * sysdeps/unix/sysv/linux/x86_64/{clone.S,clone3.S}) */
	.clone = { .code = { 0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c, 0, 0x74, 0x01, 0xc3 },
	    .n = 10,
	    .varies = 6,
	    .places = { { 0, false }, { 2, true }, { 5, true }, { 7, true }, { 9, false } },
	    .n_places = 5 },
	.origins = origins,
	.n_origins = sizeof(origins) / sizeof(origins[0]),
	.restores = find_restores,
	.push_at = push_at,
	.push_before = push_before,
};
