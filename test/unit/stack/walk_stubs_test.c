/* Code that itself shows where its caller is: libffi's trampolines, glibc's clone. */
#include <stdlib.h>
#include <string.h>

#include "stack/walk/walk_stubs.h"
#include "support/fake_process.h"
#include "support/run_suite.h"
#include "support/x86_64_regs.h"

enum { MADE = 0x900000, PAGE = 0x1000, SP = 0x700018 };

static uint8_t made[PAGE];
static struct ps_prochandle *P;

static void setup(void)
{
	static const struct fake_segment segments[] = { { MADE, made, sizeof(made) }, { 0 } };
	static const struct fake_map maps[] = { { MADE, sizeof(made), MA_READ | MA_EXEC | MA_ANON, 0, NULL },
		{ 0 } };
	static struct fake_process fake;

	fake = (struct fake_process){ .pid = 1, .segments = segments, .maps = maps };
	P = fake_grab(&fake);
	ck_assert_ptr_nonnull(P);
	memset(made, 0x90, sizeof(made));
}

static void teardown(void)
{
	Prelease(P, 0);
}

START_TEST(stub_tells_its_return_address)
{
	/* Code, and for each instruction the distance from sp to the return address. */
	static const struct {
		uint8_t code[40];
		size_t n;
		struct {
			uint8_t pc, above;
		} places[8];
		size_t n_places;
		bool described; /* unwind information covers it */
	} cases[] = {
		{ { 0xf3, 0x0f, 0x1e, 0xfa, 0x4c, 0x8d, 0x15, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x25, 7, 0, 0,
		      0 },
		    17, { { 0, 0 }, { 4, 0 }, { 11, 0 } }, 3, false },
		{ { 0x49, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 0x49, 0xba, 1, 2, 3, 4, 5, 6, 7, 8, 0xf8, 0x49, 0xff,
		      0xe3 },
		    24, { { 0, 0 }, { 10, 0 }, { 20, 0 }, { 21, 0 } }, 4, false },
		{ { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x10, 0x4c, 0x89, 0x14, 0x24, 0x4c, 0x8b, 0x15,
		      1, 2, 3, 4, 0x4c, 0x89, 0x54, 0x24, 0x08, 0x4c, 0x8b, 0x15, 1, 2, 3, 4, 0x41, 0xff,
		      0xe2 },
		    34, { { 0, 0 }, { 4, 0 }, { 8, 16 }, { 12, 16 }, { 19, 16 }, { 24, 16 }, { 31, 16 } }, 7,
		    false },
		{ { 0xf3, 0x0f, 0x1e, 0xfa, 0x4c, 0x8b, 0x54, 0x24, 0x08, 0x48, 0x83, 0xc4, 0x10, 0xe9, 1, 2,
		      3, 4 },
		    18, { { 0, 16 }, { 4, 16 }, { 9, 16 } }, 3, true },
	};
	struct walk_stub stub;

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		memset(made, 0x90, sizeof(made));
		memcpy(made + 0x100, cases[c].code, cases[c].n);
		for (size_t i = 0; i < cases[c].n_places; i++) {
			struct native_frame fr = { .pc = MADE + 0x100 + cases[c].places[i].pc,
				.sp = SP,
				.exact = true,
				.no_cfi = !cases[c].described };

			ck_assert_msg(walk_stub_at(P, &fr, &stub), "form %zu, place %zu", c, i);
			ck_assert_uint_eq(stub.slot, SP + cases[c].places[i].above);
			fr.exact = false;
			ck_assert(!walk_stub_at(P, &fr, &stub));
		}
	}
}
END_TEST

/* CPython's perf trampolines at each of their instructions, with and without endbr64. The return
 * address is above the pushed words. */
START_TEST(perf_trampoline_tells_its_caller)
{
	static const struct {
		uint8_t code[16];
		size_t n;
		struct {
			uint8_t pc, above;
			bool has_rbp;
		} places[6];
		size_t n_places;
	} cases[] = {
		{ { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8, 0xff, 0xd1, 0x48, 0x83, 0xc4, 8, 0xc3 }, 15,
		    { { 0, 0, false }, { 4, 0, false }, { 8, 8, false }, { 10, 8, false }, { 14, 0, false } },
		    5 },
		{ { 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd1, 0x5d, 0xc3 }, 12,
		    { { 0, 0, false }, { 4, 0, false }, { 5, 8, true }, { 8, 8, true }, { 10, 8, true },
			{ 11, 0, false } },
		    6 },
	};
	struct walk_stub stub;

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		for (size_t i = 0; i < 2 * cases[c].n_places; i++) {
			bool endbr = i < cases[c].n_places;
			size_t from = endbr ? 0 : 4, k = i % cases[c].n_places, pc = cases[c].places[k].pc;
			struct native_frame fr = {
				.pc = MADE + 0x100 + pc, .sp = SP, .exact = true, .no_cfi = true
			};

			if (!endbr && k == 0)
				continue;
			memset(made, 0x90, sizeof(made));
			memcpy(made + 0x100 + from, cases[c].code + from, cases[c].n - from);
			ck_assert_msg(walk_stub_at(P, &fr, &stub), "form %zu, at %zu", c, pc);
			ck_assert_uint_eq(stub.slot, SP + cases[c].places[k].above);
			ck_assert(stub.has_fp == cases[c].places[k].has_rbp);
			made[0x100 + cases[c].n - 1] = 0x90; /* does not return */
			ck_assert(!walk_stub_at(P, &fr, &stub));
		}
	}
}
END_TEST

START_TEST(stub_is_not_seen_in_other_code)
{
	/* A computed jump of a function that has a frame; a tail call; code that was cut off. */
	static const uint8_t jump[] = { 0x41, 0xff, 0xe2 },
			     tail[] = { 0x48, 0x83, 0xc4, 0x10, 0xe9, 1, 2, 3, 4 };
	struct native_frame fr = { .pc = MADE + 0x100, .sp = SP, .exact = true };
	struct walk_stub stub;

	memcpy(made + 0x100, jump, sizeof(jump));
	ck_assert(!walk_stub_at(P, &fr, &stub));
	memcpy(made + 0x100, tail, sizeof(tail));
	ck_assert(!walk_stub_at(P, &fr, &stub));
	fr.no_cfi = true;
	ck_assert(!walk_stub_at(P, &fr, &stub));
	made[PAGE - 1] = 0xf8;
	fr.pc = MADE + PAGE - 1;
	ck_assert(!walk_stub_at(P, &fr, &stub));
}
END_TEST

static enum walk_clone clone_at(uint64_t at, uint64_t rax, bool known)
{
	struct native_frame fr = { .pc = MADE + 0x200 + at, .sp = SP, .exact = true, .no_cfi = true };
	struct unwind_regs regs = { .reg = { [X86_64_RAX] = rax },
		.known = { { known ? 1U << X86_64_RAX : 0 } } };

	return walk_clone_at(P, &fr, &regs);
}

START_TEST(clone_is_told_by_rax)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c, 0x13, 0x74, 0x01, 0xc3 };
	static const uint8_t both[] = { 2, 5, 7 }, callers[] = { 0, 9 }, none[] = { 1, 3, 6, 8, 10 };

	memcpy(made + 0x200, code, sizeof(code));
	for (size_t i = 0; i < sizeof(both); i++) {
		ck_assert_int_eq(clone_at(both[i], 0, true), WALK_CLONE_NEWBORN);
		ck_assert_int_eq(clone_at(both[i], 4711, true), WALK_CLONE_CALLER);
		ck_assert_int_eq(clone_at(both[i], 0, false), WALK_CLONE_NOT);
	}
	for (size_t i = 0; i < sizeof(callers); i++) {
		ck_assert_int_eq(clone_at(callers[i], 0, true), WALK_CLONE_CALLER);
		ck_assert_int_eq(clone_at(callers[i], 0, false), WALK_CLONE_CALLER);
	}
	for (size_t i = 0; i < sizeof(none); i++)
		ck_assert_int_eq(clone_at(none[i], 0, true), WALK_CLONE_NOT);
	made[0x200 + 9] = 0x90; /* another function that makes a system call */
	ck_assert_int_eq(clone_at(2, 0, true), WALK_CLONE_NOT);
}
END_TEST

/* The kernel starts a thread at the end of the stack that it was given. */
START_TEST(clone_is_told_by_its_arguments)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c, 0x13, 0x74, 0x01, 0xc3 };
	static const struct {
		uint64_t stack, size, rsi; /* of struct clone_args; of clone() */
		enum walk_clone is;
	} cases[] = { { 0x1000, 0x800, 0x58, WALK_CLONE_CALLER },
		{ SP - 0x800, 0x800, 0x58, WALK_CLONE_NEWBORN }, { 0, 0, SP, WALK_CLONE_NEWBORN },
		{ 0, 0, SP - 0x100, WALK_CLONE_CALLER } };
	enum { RSI = 4, RDI = 5, ARGS_AT = 0x300, STACK_AT = 40 };
	struct native_frame fr = { .pc = MADE + 0x202, .sp = SP, .exact = true, .no_cfi = true };

	memcpy(made + 0x200, code, sizeof(code));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct unwind_regs regs = {
			.reg = { [X86_64_RSP] = SP, [RSI] = cases[i].rsi, [RDI] = MADE + ARGS_AT },
			.known = { { 1U << X86_64_RSP | 1U << RSI | 1U << RDI } }
		};

		memcpy(made + ARGS_AT + STACK_AT, &cases[i].stack, 8);
		memcpy(made + ARGS_AT + STACK_AT + 8, &cases[i].size, 8);
		ck_assert_int_eq(walk_clone_at(P, &fr, &regs), cases[i].is);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("walk stub");
	TCase *t = tcase_create("stub");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, stub_tells_its_return_address);
	tcase_add_test(t, perf_trampoline_tells_its_caller);
	tcase_add_test(t, stub_is_not_seen_in_other_code);
	tcase_add_test(t, clone_is_told_by_rax);
	tcase_add_test(t, clone_is_told_by_its_arguments);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_made_suite(suite());
}
