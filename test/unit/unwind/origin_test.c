/* Where stacks begin in musl and in glibc's dynamic loader, which no call frame information
 * describes. */
#include <string.h>

#include "support/fake_process.h"
#include "support/run_suite.h"
#include "support/x86_64_regs.h"
#include "unwind/unwind.h"

enum { TEXT = 0x400000, MISSING = 0x500000, STACK = 0x700000, STACK_SIZE = 0x1000 };

/* In the text: an instruction that returns, return addresses after calls, both origins. Of these the
 * first byte of their code, and where their calls return to. */
enum {
	RET = 0x10,
	BEGUN = 0x50,
	OTHER = 0x70,
	CLONE = 0x103,
	THREAD = CLONE + 12,
	START = 0x181,
	MAIN = START + 22,
	LOADER = 0x201, /* of glibc 2.31, 2.36 and 2.41, LOADER_SIZE bytes apart */
	LOADER_SIZE = 64
};

static const uint8_t clone_code[] = { 0x0f, 0x05, 0x85, 0xc0, 0x75, 0x0f, 0x31, 0xed, 0x5f, 0x41, 0xff, 0xd1,
	0x89, 0xc7, 0x31, 0xc0, 0xb0, 0x3c, 0x0f, 0x05, 0xf4, 0xc3 };
static const uint8_t start_code[] = { 0x48, 0x31, 0xed, 0x48, 0x89, 0xe7, 0x48, 0x8d, 0x35, 0xf2, 0xee, 0xbf,
	0xff, 0x48, 0x83, 0xe4, 0xf0, 0xe8, 0x09, 0x00, 0x00, 0x00 };

/* Their code, up to behind the call of _dl_start. */
static const struct {
	uint8_t code[24], n;
} loaders[] = {
	{ { 0x48, 0x89, 0xe7, 0xe8, 0x48, 0x0d, 0, 0, 0x49, 0x89, 0xc4, 0x8b, 0x05, 0xf7, 0x94, 0x02, 0, 0x5a,
	      0x48, 0x8d, 0x24, 0xc4 },
	    22 },
	{ { 0x48, 0x89, 0xe7, 0xe8, 0x98, 0x0c, 0, 0, 0x49, 0x89, 0xc4, 0x48, 0x8b, 0x14, 0x24, 0x48, 0x89,
	      0xd6, 0x49, 0x89, 0xe5 },
	    21 },
	{ { 0x48, 0x89, 0xe7, 0xe8, 0xa8, 0x0a, 0, 0, 0x49, 0x89, 0xc4, 0x49, 0x89, 0xe5, 0x48, 0x8b, 0x14,
	      0x24, 0x48, 0x89, 0xd6 },
	    21 },
};
/* The call of the initialisation functions, which all have. */
static const uint8_t loader_init[] = { 0x31, 0xed, 0xe8, 0xf0, 0x9e, 0xfe, 0xff, 0x48, 0x8d, 0x15, 0x29, 0x9b,
	0xfe, 0xff, 0x4c, 0x89, 0xec, 0x41, 0xff, 0xe4 };
enum { LOADERS = sizeof(loaders) / sizeof(loaders[0]), INIT = LOADER + LOADERS * LOADER_SIZE };

struct drawn {
	uint8_t text[0x1000];
	uint64_t stack[STACK_SIZE / 8];
	struct fake_segment segments[3];
	struct fake_map maps[4];
	struct fake_process fake;
	struct native_stack s;
};

/* The caller of RET is in a function that an origin has called. */
static void draw(struct drawn *d, uint64_t origin)
{
	memset(d, 0, sizeof(*d));
	memset(d->text, 0x90, sizeof(d->text));
	d->text[RET] = 0xc3;
	d->text[BEGUN - 5] = d->text[OTHER - 5] = 0xe8;
	memcpy(d->text + CLONE, clone_code, sizeof(clone_code));
	memcpy(d->text + START, start_code, sizeof(start_code));
	for (int i = 0; i < LOADERS; i++)
		memcpy(d->text + LOADER + (ptrdiff_t)i * LOADER_SIZE, loaders[i].code, loaders[i].n);
	memcpy(d->text + INIT, loader_init, sizeof(loader_init));
	d->segments[0] = (struct fake_segment){ TEXT, d->text, sizeof(d->text) };
	d->segments[1] = (struct fake_segment){ STACK, d->stack, sizeof(d->stack) };
	d->maps[0] =
	    (struct fake_map){ TEXT, sizeof(d->text), MA_READ | MA_EXEC, 0, "/lib/ld-musl-x86_64.so.1" };
	d->maps[1] = (struct fake_map){ STACK, STACK_SIZE, MA_READ | MA_WRITE, 0, NULL };
	d->maps[2] = (struct fake_map){ MISSING, 0x1000, MA_READ | MA_EXEC, 0, "/usr/bin/missing" };
	d->fake = (struct fake_process){ .segments = d->segments, .maps = d->maps };
	d->stack[0] = TEXT + BEGUN;
	d->stack[1] = 4711;
	d->stack[2] = STACK + 0x100;
	d->stack[3] = TEXT + BEGUN + 1;
	d->stack[4] = TEXT + origin;
	d->stack[5] = TEXT + OTHER; /* as an argument or a variable of the environment may be */
}

static const enum unwind_engine engines[] = { UNWIND_ENGINE_FP, UNWIND_ENGINE_CFI, UNWIND_ENGINE_LIBUNWIND };

static size_t engines_n(void)
{
	return unwind_engine_built(UNWIND_ENGINE_LIBUNWIND) ? 3 : 2;
}

/* Walk from pc and sp alone. */
static void walk(struct drawn *d, enum unwind_engine engine)
{
	struct unwind_regs regs = { .known = { { 1U << X86_64_PC | 1U << X86_64_RSP } } };
	struct ps_prochandle *P = fake_grab(&d->fake);
	struct unwinder *u;
	struct fault f;

	ck_assert_ptr_nonnull(P);
	regs.reg[X86_64_PC] = TEXT + RET;
	regs.reg[X86_64_RSP] = STACK;
	ck_assert_int_eq(unwinder_create(P, engine, &u, &f), RES_OK);
	ck_assert_int_eq(native_stack_walk(u, &regs, 0, &d->s, &f), RES_OK);
	unwinder_destroy(u);
	Prelease(P, 0);
}

static const uint64_t origins[] = { THREAD, MAIN, LOADER + 8, LOADER + LOADER_SIZE + 8,
	LOADER + 2 * LOADER_SIZE + 8, INIT + 7 };

START_TEST(stack_ends_at_its_origin)
{
	struct drawn d;

	for (size_t e = 0; e < engines_n(); e++) {
		draw(&d, origins[_i]);
		d.text[CLONE + 5] = 0x10; /* depends on the version */
		walk(&d, engines[e]);
		ck_assert_int_eq(d.s.end, UNWIND_END_DONE);
		ck_assert_uint_eq(d.s.frames.n, 3);
		ck_assert_uint_eq(d.s.frames.at[1].pc, TEXT + BEGUN);
		ck_assert_uint_eq(d.s.frames.at[1].cfa, STACK + 40);
		ck_assert_uint_eq(d.s.frames.at[2].pc, TEXT + origins[_i]);
		for (size_t i = 0; i < d.s.frames.n; i++)
			ck_assert(d.s.frames.at[i].how != UNWIND_FP && (i == 0 || !d.s.frames.at[i].no_cfi));
		native_stack_free(&d.s);
	}
}
END_TEST

/* Code that differs is no origin. */
START_TEST(other_code)
{
	struct drawn d;

	for (size_t e = 0; e < engines_n(); e++) {
		draw(&d, origins[_i]);
		d.text[CLONE + 16] = 0xb8;
		d.text[START + 2] = 0xed - 1;
		for (int i = 0; i < LOADERS; i++)
			d.text[LOADER + i * LOADER_SIZE + loaders[i].n - 1]++;
		d.text[INIT + 1]++;
		walk(&d, engines[e]);
		ck_assert_int_eq(d.s.end, UNWIND_END_LOST);
		ck_assert_uint_eq(d.s.frames.n, 2);
		native_stack_free(&d.s);
	}
}
END_TEST

/* Another return address may be that of a frame between: nothing is passed over. */
START_TEST(frames_may_be_between)
{
	struct drawn d;

	for (size_t e = 0; e < engines_n(); e++) {
		draw(&d, origins[_i]);
		d.stack[2] = TEXT + OTHER;
		walk(&d, engines[e]);
		ck_assert_int_eq(d.s.end, UNWIND_END_LOST);
		ck_assert_uint_eq(d.s.frames.n, 2);
		native_stack_free(&d.s);
	}
}
END_TEST

/* So may one to code that cannot be read: a core lacks that of files that are not at hand. */
START_TEST(frames_between_may_be_unreadable)
{
	struct drawn d;

	for (size_t e = 0; e < engines_n(); e++) {
		draw(&d, origins[_i]);
		d.stack[2] = MISSING + 0x50;
		walk(&d, engines[e]);
		ck_assert_int_eq(d.s.end, UNWIND_END_LOST);
		ck_assert_uint_eq(d.s.frames.n, 2);
		native_stack_free(&d.s);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unwind_origin");
	TCase *tcase = tcase_create("unwind_origin");

	tcase_add_loop_test(tcase, stack_ends_at_its_origin, 0, sizeof(origins) / sizeof(origins[0]));
	tcase_add_loop_test(tcase, other_code, 0, sizeof(origins) / sizeof(origins[0]));
	tcase_add_loop_test(tcase, frames_may_be_between, 0, sizeof(origins) / sizeof(origins[0]));
	tcase_add_loop_test(tcase, frames_between_may_be_unreadable, 0, sizeof(origins) / sizeof(origins[0]));
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
