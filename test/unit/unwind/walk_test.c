/* Walks over drawn stacks that no call frame information describes: frame pointers, signal frames,
 * and guards against invalid stacks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "support/fake_process.h"
#include "support/run_suite.h"
#include "support/x86_64_regs.h"
#include "unwind/unwind.h"

enum { TEXT = 0x400000, STACK = 0x700000, STACK_SIZE = 0x10000, ALT = 0x600000, ALT_SIZE = 0x1000 };

/* A process of one page of text and two stacks. */
struct drawn {
	uint8_t text[0x1000];
	uint64_t stack[STACK_SIZE / 8], alt[ALT_SIZE / 8];
	struct fake_segment segments[4];
	struct fake_map maps[4];
	struct fake_process fake;
	struct ps_prochandle *P;
	struct unwinder *u;
	struct unwind_regs regs;
	struct native_stack s;
};

/* The return addresses of text, which has nothing else but nops. */
static const uint16_t returns[] = { 0x50, 0x100, 0x200 };

static struct drawn *drawn_create(void)
{
	struct drawn *d = calloc(1, sizeof(*d));

	ck_assert_ptr_nonnull(d);
	memset(d->text, 0x90, sizeof(d->text));
	for (size_t i = 0; i < sizeof(returns) / sizeof(returns[0]); i++)
		d->text[returns[i] - 5] = 0xe8; /* a call */
	d->segments[0] = (struct fake_segment){ TEXT, d->text, sizeof(d->text) };
	d->segments[1] = (struct fake_segment){ ALT, d->alt, sizeof(d->alt) };
	d->segments[2] = (struct fake_segment){ STACK, d->stack, sizeof(d->stack) };
	d->maps[0] = (struct fake_map){ TEXT, sizeof(d->text), MA_READ | MA_EXEC, 0, NULL };
	d->maps[1] = (struct fake_map){ ALT, ALT_SIZE, MA_READ | MA_WRITE, 0, NULL };
	d->maps[2] = (struct fake_map){ STACK, STACK_SIZE, MA_READ | MA_WRITE, 0, NULL };
	d->fake = (struct fake_process){ .segments = d->segments, .maps = d->maps };
	d->regs.known = (arch_set){ { 0x1ffff } };
	d->regs.reg[X86_64_PC] = TEXT + 0x10;
	d->regs.reg[X86_64_RSP] = STACK;
	d->P = fake_grab(&d->fake);
	ck_assert_ptr_nonnull(d->P);
	return d;
}

static void drawn_walk(struct drawn *d, enum unwind_engine engine, size_t cap)
{
	struct fault f;

	native_stack_free(&d->s);
	unwinder_destroy(d->u);
	ck_assert_int_eq(unwinder_create(d->P, engine, &d->u, &f), RES_OK);
	ck_assert_int_eq(native_stack_walk(d->u, &d->regs, cap, &d->s, &f), RES_OK);
}

static void drawn_free(struct drawn *d)
{
	native_stack_free(&d->s);
	unwinder_destroy(d->u);
	Prelease(d->P, 0);
	free(d);
}

static void put(struct drawn *d, uint64_t va, uint64_t word)
{
	if (va >= STACK)
		d->stack[(va - STACK) / 8] = word;
	else
		d->alt[(va - ALT) / 8] = word;
}

/* A frame at fp: the caller's frame pointer and return address. */
static void put_frame(struct drawn *d, uint64_t fp, uint64_t callers_fp, uint64_t ra)
{
	put(d, fp, callers_fp);
	put(d, fp + 8, ra);
}

static const enum unwind_engine engines[] = { UNWIND_ENGINE_FP, UNWIND_ENGINE_CFI, UNWIND_ENGINE_LIBUNWIND };

/* How many of them are built in. */
static size_t engines_n(void)
{
	return unwind_engine_built(UNWIND_ENGINE_LIBUNWIND) ? 3 : 2;
}

START_TEST(frames_by_frame_pointer)
{
	struct drawn *d = drawn_create();
	const struct native_frame *f;

	d->regs.reg[X86_64_RBP] = STACK + 0x20;
	put_frame(d, STACK + 0x20, STACK + 0x80, TEXT + 0x100);
	put_frame(d, STACK + 0x80, STACK + 0x90, TEXT + 0x200);
	put_frame(d, STACK + 0x90, 0, 0);
	drawn_walk(d, UNWIND_ENGINE_FP, 0);
	f = d->s.frames.at;
	ck_assert_uint_eq(d->s.frames.n, 3);
	ck_assert_int_eq(d->s.end, UNWIND_END_DONE);
	ck_assert(f[0].exact && f[0].how == UNWIND_FIRST && f[0].pc == TEXT + 0x10 && f[0].sp == STACK);
	ck_assert(f[0].cfa == STACK + 0x30 && f[1].sp == STACK + 0x30 && f[1].pc == TEXT + 0x100);
	ck_assert(!f[1].exact && f[1].how == UNWIND_FP && f[1].cfa == STACK + 0x90);
	ck_assert_uint_eq(f[1].saved_known, 1U << X86_64_SAVED_RBP);
	ck_assert_uint_eq(f[1].saved[X86_64_SAVED_RBP], STACK + 0x80);
	ck_assert(f[2].pc == TEXT + 0x200 && f[2].cfa == 0);
	ck_assert(!f[1].no_cfi);
	drawn_free(d);
}
END_TEST

/* The same stack for the engines by CFI: a note says that nothing describes these pcs, and in code
 * of no file a frame pointer of 0 does not prove the end. */
START_TEST(guesses_are_marked)
{
	for (size_t e = 1; e < engines_n(); e++) {
		struct drawn *d = drawn_create();

		d->regs.reg[X86_64_RBP] = STACK + 0x20;
		put_frame(d, STACK + 0x20, 0, TEXT + 0x100);
		drawn_walk(d, engines[e], 0);
		ck_assert_uint_eq(d->s.frames.n, 2);
		ck_assert(d->s.frames.at[0].no_cfi && d->s.frames.at[1].no_cfi);
		ck_assert_int_eq(d->s.frames.at[1].how, UNWIND_FP);
		ck_assert_int_eq(d->s.end, UNWIND_END_LOST);
		ck_assert_str_eq(d->s.why, "no unwind information at 0x400100");
		drawn_free(d);
	}
}
END_TEST

/* Nor does it in memory that is not code, even a file's, because it cannot be a return address. */
START_TEST(no_end_in_data)
{
	for (size_t e = 1; e < engines_n(); e++) {
		struct drawn *d = drawn_create();

		d->maps[0].flags = MA_READ | MA_WRITE;
		d->maps[0].name = "/lib/libnothing.so";
		d->regs.reg[X86_64_RSP] = STACK + STACK_SIZE - 8;
		drawn_walk(d, engines[e], 0);
		ck_assert_uint_eq(d->s.frames.n, 1);
		ck_assert_int_eq(d->s.end, UNWIND_END_LOST);
		drawn_free(d);
	}
}
END_TEST

/* In code of a file they prove it unless a word further up on the stack is after the call at
 * CALL. */
enum { CALL = TEXT + 0x300 };
static const struct {
	uint64_t fp, at, word;
	enum unwind_end end;
} last_frames[] = {
	{ 0, 0x100, 0, UNWIND_END_DONE },
	{ 0, 0x100, CALL - 1, UNWIND_END_DONE },
	{ 0, 0x100, CALL, UNWIND_END_LOST },
	{ 0, STACK_SIZE - 8, CALL, UNWIND_END_LOST },
	{ STACK + 0x80, 0x100, 0, UNWIND_END_DONE },
	{ STACK + 0x80, 0x100, CALL, UNWIND_END_LOST },
	{ STACK + 0x80, 0x60, CALL, UNWIND_END_LOST },
};

START_TEST(end_without_return_address)
{
	for (size_t e = 1; e < engines_n(); e++) {
		struct drawn *d = drawn_create();

		d->maps[0].name = "/lib/libnothing.so";
		d->text[CALL - TEXT - 5] = 0xe8;
		d->regs.reg[X86_64_RBP] = STACK + 0x20;
		put_frame(d, STACK + 0x20, last_frames[_i].fp, TEXT + 0x100);
		put(d, STACK + last_frames[_i].at, last_frames[_i].word);
		drawn_walk(d, engines[e], 0);
		ck_assert_uint_eq(d->s.frames.n, 2);
		ck_assert_int_eq(d->s.end, last_frames[_i].end);
		drawn_free(d);
	}
}
END_TEST

/* Frame pointers that are not: each ends the walk after the one frame that is known. */
static const struct {
	uint64_t fp, ra;
} bad_frames[] = {
	{ STACK + 0x21, TEXT + 1 },           /* not aligned */
	{ STACK + 0x28, STACK + 8 },          /* return address not code */
	{ STACK + 0x28, 1 },                  /* unmapped */
	{ STACK + STACK_SIZE - 8, TEXT + 1 }, /* leaves the stack */
	{ ALT, TEXT + 1 },                    /* below sp */
	{ 0x7ffffffffff0, TEXT + 1 },         /* unmapped */
	{ 0xfffffffffffffff8, TEXT + 1 },     /* at the end of all addresses */
};

START_TEST(bad_frame_pointers)
{
	for (size_t e = 0; e < engines_n(); e++) {
		struct drawn *d = drawn_create();

		d->regs.reg[X86_64_RBP] = bad_frames[_i].fp;
		if (bad_frames[_i].fp < STACK + STACK_SIZE && bad_frames[_i].fp > STACK) {
			put(d, bad_frames[_i].fp & ~7UL, STACK + 0x1000);
			if ((bad_frames[_i].fp & ~7UL) + 16 <= STACK + STACK_SIZE)
				put(d, (bad_frames[_i].fp & ~7UL) + 8, bad_frames[_i].ra);
		}
		drawn_walk(d, engines[e], 0);
		ck_assert_uint_eq(d->s.frames.n, 1);
		ck_assert_int_eq(d->s.end, UNWIND_END_LOST);
		ck_assert_uint_gt(strlen(d->s.why), 10);
		drawn_free(d);
	}
}
END_TEST

/* A readable word that follows no call is not a return address, even if it points to code. What
 * cannot be read may follow one. */
START_TEST(return_address_without_a_call)
{
	for (size_t e = 0; e < 2 * engines_n(); e++) {
		struct drawn *d = drawn_create();
		bool readable = e % 2 == 0;

		if (!readable)
			d->segments[0].n = 0x80;
		d->regs.reg[X86_64_RBP] = STACK + 0x20;
		put_frame(d, STACK + 0x20, STACK + 0x80, TEXT + 0x180);
		drawn_walk(d, engines[e / 2], 0);
		ck_assert_uint_eq(d->s.frames.n, readable ? 1 : 2);
		ck_assert(!readable || d->s.end == UNWIND_END_LOST);
		drawn_free(d);
	}
}
END_TEST

START_TEST(frame_that_is_its_own_caller)
{
	struct drawn *d = drawn_create();

	d->regs.reg[X86_64_RBP] = STACK + 0x20;
	put_frame(d, STACK + 0x20, STACK + 0x20, TEXT + 0x100);
	drawn_walk(d, UNWIND_ENGINE_FP, 0);
	ck_assert_uint_eq(d->s.frames.n, 2);
	ck_assert_int_ne(d->s.end, UNWIND_END_DONE);
	drawn_free(d);
}
END_TEST

START_TEST(no_more_frames_than_asked)
{
	struct drawn *d = drawn_create();

	d->regs.reg[X86_64_RBP] = STACK;
	for (uint64_t at = 0; at < 100; at++)
		put_frame(d, STACK + at * 16, STACK + (at + 1) * 16, TEXT + returns[at % 3]);
	drawn_walk(d, UNWIND_ENGINE_FP, 10);
	ck_assert_uint_eq(d->s.frames.n, 10);
	ck_assert_int_eq(d->s.end, UNWIND_END_CAP);
	ck_assert_str_eq(d->s.why, "stopped after 10 frames");
	drawn_walk(d, UNWIND_ENGINE_FP, 0);
	ck_assert_uint_eq(d->s.frames.n, 101);
	ck_assert_int_eq(d->s.end, UNWIND_END_DONE);
	drawn_free(d);
}
END_TEST

/* mov $15, %rax; syscall */
static const uint8_t sigreturn[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
enum { TRAMPOLINE = 0x800 };

/* A struct ucontext at `at`, as struct sigcontext has it: all registers 0 but three. */
static void put_context(struct drawn *d, uint64_t at, uint64_t rbp, uint64_t rsp, uint64_t rip)
{
	put(d, at + 120, rbp);
	put(d, at + 160, rsp);
	put(d, at + 168, rip);
}

/* A handler on an alternate stack: the walk changes stacks, and lower addresses are right here. */
START_TEST(signal_frame_changes_stacks)
{
	for (size_t e = 0; e < engines_n(); e++) {
		struct drawn *d = drawn_create();
		const struct native_frame *f;

		memcpy(d->text + TRAMPOLINE, sigreturn, sizeof(sigreturn));
		d->maps[1].va = STACK + 0x100000;
		d->segments[1].va = STACK + 0x100000;
		d->regs.reg[X86_64_RSP] = STACK + 0x100000;
		d->regs.reg[X86_64_RBP] = STACK + 0x100010;
		d->alt[2] = STACK + 0x20; /* the interrupted function's rbp */
		d->alt[3] = TEXT + TRAMPOLINE;
		d->alt[(0x20 + 120) / 8] = STACK + 0x20;
		d->alt[(0x20 + 160) / 8] = STACK + 8;
		d->alt[(0x20 + 168) / 8] = TEXT + 0x300;
		put_frame(d, STACK + 0x20, STACK + 0x60, TEXT + 0x100);
		drawn_walk(d, engines[e], 0);
		f = d->s.frames.at;
		ck_assert_uint_eq(d->s.frames.n, 4);
		ck_assert(f[1].signal_frame && f[1].pc == TEXT + TRAMPOLINE && f[1].sp == STACK + 0x100020);
		ck_assert(f[2].exact && f[2].how == UNWIND_SIGNAL && f[2].pc == TEXT + 0x300);
		ck_assert(f[2].sp == STACK + 8 && f[2].saved_known == (1 << X86_64_SAVED) - 1);
		ck_assert(f[3].pc == TEXT + 0x100 && f[3].sp == STACK + 0x30 && !f[3].exact);
		drawn_free(d);
	}
}
END_TEST

/* Signal frames that interrupt each other in a circle: sp may decrease there, so only the record of
 * visited places ends the walk. */
START_TEST(circle_of_signal_frames)
{
	for (size_t e = 0; e < engines_n(); e++) {
		struct drawn *d = drawn_create();

		memcpy(d->text + TRAMPOLINE, sigreturn, sizeof(sigreturn));
		d->regs.reg[X86_64_PC] = TEXT + TRAMPOLINE;
		put_context(d, STACK, 0, STACK + 0x400, TEXT + TRAMPOLINE);
		put_context(d, STACK + 0x400, 0, STACK + 0x800, TEXT + TRAMPOLINE);
		put_context(d, STACK + 0x800, 0, STACK + 0x400, TEXT + TRAMPOLINE);
		drawn_walk(d, engines[e], 0);
		ck_assert_int_eq(d->s.end, UNWIND_END_LOOP);
		ck_assert_uint_lt(d->s.frames.n, 10);
		drawn_free(d);
	}
}
END_TEST

START_TEST(call_through_a_bad_pointer)
{
	static const uint64_t nowhere[] = { 0, 0x123, STACK + 0x40, 0xffffffffffffffff };

	for (size_t i = 0; i < 4 * engines_n(); i++) {
		struct drawn *d = drawn_create();

		d->regs.reg[X86_64_PC] = nowhere[i / engines_n()];
		d->regs.reg[X86_64_RBP] = STACK + 0x20;
		put(d, STACK, TEXT + 0x50);
		put_frame(d, STACK + 0x20, 0, TEXT + 0x100);
		drawn_walk(d, engines[i % engines_n()], 0);
		ck_assert_uint_eq(d->s.frames.n, 3);
		ck_assert(d->s.frames.at[1].pc == TEXT + 0x50 && d->s.frames.at[1].sp == STACK + 8);
		ck_assert(d->s.frames.at[2].pc == TEXT + 0x100);
		drawn_free(d);
	}
}
END_TEST

/* Code without unwind information that is about to return has no frame, so no guess is needed. A
 * return address above it, in the same kind of code, needs one. */
START_TEST(about_to_return)
{
	static const struct {
		uint8_t code[4], n;
		bool certain;
	} codes[] = { { { 0xc3 }, 1, true }, { { 0xf3, 0xc3 }, 2, true }, { { 0x90, 0xc3 }, 2, false },
		{ { 0x8b, 0x1c, 0x24, 0xc3 }, 4, false } }; /* mov (%rsp),%ebx: i386's alone */

	for (size_t i = 0; i < 4 * engines_n(); i++) {
		struct drawn *d = drawn_create();
		const struct native_frame *f;
		bool certain = codes[i / engines_n()].certain;

		memcpy(d->text + 0x10, codes[i / engines_n()].code, codes[i / engines_n()].n);
		d->text[0x50] = 0xc3;
		d->regs.reg[X86_64_RBP] = STACK + 0x20;
		put(d, STACK, TEXT + 0x50);
		put_frame(d, STACK + 0x20, 0, TEXT + 0x100);
		drawn_walk(d, engines[i % engines_n()], 0);
		f = d->s.frames.at;
		ck_assert_uint_eq(d->s.frames.n, certain ? 3 : 2);
		ck_assert_uint_eq(f[1].pc, certain ? TEXT + 0x50 : TEXT + 0x100);
		ck_assert_int_eq(f[1].how, certain ? UNWIND_CFI : UNWIND_FP);
		if (certain)
			ck_assert(f[1].sp == STACK + 8 && f[1].saved_known == (1 << X86_64_SAVED) - 1 &&
				  f[2].how == UNWIND_FP);
		drawn_free(d);
	}
}
END_TEST

START_TEST(resumed_walk_says_so)
{
	struct drawn *d = drawn_create();
	struct unwind_regs regs = { .known = { { 1U << X86_64_PC | 1U << X86_64_RSP } } };
	struct fault f;

	drawn_walk(d, UNWIND_ENGINE_CFI, 0);
	ck_assert_uint_eq(d->s.frames.n, 1);
	regs.reg[X86_64_PC] = TEXT + 0x100;
	regs.reg[X86_64_RSP] = STACK + 0x40;
	ck_assert_int_eq(native_stack_walk(d->u, &regs, 0, &d->s, &f), RES_OK);
	ck_assert_uint_eq(d->s.frames.n, 2);
	ck_assert_int_eq(d->s.frames.at[1].how, UNWIND_RESUMED);
	ck_assert(!d->s.frames.at[1].exact);
	regs.known = (arch_set){ { 1U << X86_64_PC } };
	ck_assert_int_eq(native_stack_walk(d->u, &regs, 0, &d->s, &f), RES_FAIL);
	drawn_free(d);
}
END_TEST

/* Stacks of random words and addresses: they end, within their limits. */
START_TEST(garbage)
{
	uint64_t seed = 88172645463325252ULL;

	for (unsigned round = 0; round < 2000; round++) {
		struct drawn *d = drawn_create();

		memcpy(d->text + TRAMPOLINE, sigreturn, sizeof(sigreturn));
		for (size_t i = 0; i < 0x400; i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			d->stack[i] = seed % 4 == 0   ? STACK + (seed >> 40) % 0x2000
				      : seed % 4 == 1 ? TEXT + (seed >> 40) % 0x1000
				      : seed % 4 == 2 ? TEXT + TRAMPOLINE
						      : seed;
		}
		d->regs.reg[X86_64_RBP] = STACK + (seed >> 50) % 0x200 * 8;
		drawn_walk(d, engines[round % engines_n()], 0);
		ck_assert_uint_ge(d->s.frames.n, 1);
		ck_assert_uint_le(d->s.frames.n, 20 * STACK_SIZE / 16);
		drawn_free(d);
	}
}
END_TEST

/* Frames without end: each is where the one before says, up to the end of the address space. */
static ssize_t read_endless(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	const struct drawn *d = (const void *)((const char *)fake - offsetof(struct drawn, fake));
	uint8_t *out = buf;

	if (va >= TEXT && va + n <= TEXT + sizeof(d->text)) {
		memcpy(buf, d->text + (va - TEXT), n);
		return (ssize_t)n;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t at = (va + i) & ~(uint64_t)7, word = at % 16 == 0 ? at + 16 : TEXT + 0x100;

		out[i] = (uint8_t)(word >> (va + i) % 8 * 8);
	}
	return (ssize_t)n;
}

START_TEST(stack_as_big_as_one_likes)
{
	enum { MOST = 1 << 22 };
	struct drawn *d = drawn_create();

	d->maps[2].size = (size_t)1 << 27; /* room for twice as many */
	d->fake.read = read_endless;
	d->regs.reg[X86_64_RBP] = STACK;
	drawn_walk(d, UNWIND_ENGINE_FP, 0);
	ck_assert_int_eq(d->s.end, UNWIND_END_CAP);
	ck_assert_uint_eq(d->s.frames.n, MOST);
	ck_assert_str_eq(d->s.why, "stopped after 4194304 frames");
	drawn_free(d);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk");
	TCase *tcase = tcase_create("walk");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, frames_by_frame_pointer);
	tcase_add_test(tcase, guesses_are_marked);
	tcase_add_test(tcase, no_end_in_data);
	tcase_add_loop_test(
	    tcase, end_without_return_address, 0, sizeof(last_frames) / sizeof(last_frames[0]));
	tcase_add_loop_test(tcase, bad_frame_pointers, 0, sizeof(bad_frames) / sizeof(bad_frames[0]));
	tcase_add_test(tcase, return_address_without_a_call);
	tcase_add_test(tcase, frame_that_is_its_own_caller);
	tcase_add_test(tcase, no_more_frames_than_asked);
	tcase_add_test(tcase, signal_frame_changes_stacks);
	tcase_add_test(tcase, circle_of_signal_frames);
	tcase_add_test(tcase, call_through_a_bad_pointer);
	tcase_add_test(tcase, about_to_return);
	tcase_add_test(tcase, resumed_walk_says_so);
	tcase_add_test(tcase, garbage);
	tcase_add_test(tcase, stack_as_big_as_one_likes);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
