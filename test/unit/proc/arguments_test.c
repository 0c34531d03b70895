/* Arguments found from the code of a function or of its caller. */
#include <string.h>

#include "proc/arguments.h"
#include "support/run_suite.h"
#include "support/self_process.h"

/* As gcc -O0 begins functions; the third argument goes to another's place after it was changed. */
__asm__(".text\n"
	".type arguments_probe, @function\n"
	"arguments_probe:\n"
	"endbr64\n"
	"push %rbp\n"
	"mov %rsp, %rbp\n"
	"push %r12\n"
	"lea -0x180(%rsp), %rsp\n"
	"sub $0x40, %rsp\n"
	"mov %rdi, -0x18(%rbp)\n"
	"mov %esi, -0x1c(%rbp)\n"
	"mov %fs:0x28, %rax\n"
	"mov %rdx, -0x200(%rbp)\n"
	"mov %r8, -0x38(%rbp)\n"
	"xor %eax, %eax\n"
	"arguments_probe_called:\n"
	"mov %rcx, -0x30(%rbp)\n"
	"call arguments_probe\n"
	"mov %r9, -0x40(%rbp)\n"
	"ret\n"
	".size arguments_probe, . - arguments_probe\n"
	".type arguments_late, @function\n"
	"arguments_late:\n"
	"mov %rdi, -0x8(%rbp)\n" /* rbp is the caller's */
	"push %rbp\n"
	"mov %rsp, %rbp\n"
	"mov %rdx, %rdi\n"
	"mov %rdi, -0x8(%rbp)\n" /* no argument any more */
	"mov %rsi, -0x10(%rbp)\n"
	"call arguments_probe\n"
	"ret\n"
	".size arguments_late, . - arguments_late\n");
extern char arguments_probe[], arguments_probe_called[], arguments_late[];

enum { FRAME = 0x1000 };

static uint_t told(uintptr_t pc, bool exact, long argv[ARGUMENTS_MAX])
{
	static struct self_process self;
	static uint8_t stack[2 * FRAME] __attribute__((aligned(8)));
	const long values[] = { 0x1111, 0x2222222233333333, 0x4444, 0x5555, 0x6666 };
	const int places[] = { 0x18, 0x1c, 0x200, 0x30, 0x38 };
	struct ps_prochandle *P;
	uint_t argc;

	ck_assert(self_process(&self, NULL, NULL));
	for (size_t i = 0; i < 5; i++)
		memcpy(stack + FRAME - places[i], &values[i], i == 1 ? 4 : 8);
	P = fake_grab(&self.fake);
	argc = arguments_of(P, &(struct arguments_frame){ pc, exact, (uintptr_t)stack + FRAME, 0 }, argv);
	Prelease(P, 0);
	return argc;
}

START_TEST(stored_by_the_first_instructions)
{
	long argv[ARGUMENTS_MAX] = { 0 };

	ck_assert_uint_eq(told((uintptr_t)arguments_probe_called + 9, false, argv), 5);
	ck_assert_int_eq(argv[0], 0x1111);
	ck_assert_int_eq(argv[1], 0x33333333);
	ck_assert_int_eq(argv[2], 0x4444);
	ck_assert_int_eq(argv[3], 0x5555);
	ck_assert_int_eq(argv[4], 0x6666); /* the sixth is stored after a call */
}
END_TEST

/* The fourth is not stored yet: without it, no fifth. */
START_TEST(as_far_as_it_has_come)
{
	long argv[ARGUMENTS_MAX] = { 0 };

	ck_assert_uint_eq(told((uintptr_t)arguments_probe_called, true, argv), 3);
	ck_assert_uint_eq(told((uintptr_t)arguments_probe, true, argv), 0);
}
END_TEST

START_TEST(not_its_own_or_changed)
{
	long argv[ARGUMENTS_MAX] = { 0 };

	ck_assert_uint_eq(told((uintptr_t)arguments_late + 24, false, argv), 0);
	ck_assert_uint_eq(told(16, false, argv), 0); /* no function */
}
END_TEST

START_TEST(of_i386)
{
	static const uint32_t words[] = { 0x9000, 0x100, 11, 12, 13, 14, 15, 16, 17 };
	static const uint8_t add[] = { 0x83, 0xc4, 0x08, 0, 0, 0, 0x81, 0xc4, 0x0c, 0, 0, 0, 0x83, 0xec, 8, 0,
		0, 0, 0x81, 0xc4, 0xff, 0xff, 0xff, 0xff };
	static const struct {
		uint64_t ra;
		uint_t argc;
	} cases[] = { { 0x100, 2 }, { 0x106, 3 }, { 0x10c, 6 }, { 0x112, 6 }, { 0x5000, 6 } };
	const struct fake_segment segments[] = { { 0x7000, words, sizeof(words) },
		{ 0x100, add, sizeof(add) }, { 0 } };
	struct fake_process fake = { .is_32bit = true, .segments = segments };
	struct ps_prochandle *P = fake_grab(&fake);
	struct arguments_frame frame = { .pc = 0x50 };
	long argv[ARGUMENTS_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		frame.fp = 0x7000;
		frame.ra = cases[i].ra;
		ck_assert_uint_eq(arguments_of(P, &frame, argv), cases[i].argc);
		for (uint_t k = 0; k < cases[i].argc; k++)
			ck_assert_int_eq(argv[k], 11 + (int)k);
	}
	frame.ra = 0x5000;
	frame.fp = 0x7010;
	ck_assert_uint_eq(arguments_of(P, &frame, argv), 3); /* as many as there are */
	frame.fp = 0x8000;
	ck_assert_uint_eq(arguments_of(P, &frame, argv), 0);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { stored_by_the_first_instructions, as_far_as_it_has_come,
		not_its_own_or_changed, of_i386 };

	return run_suite("arguments", tests, sizeof(tests) / sizeof(tests[0]));
}
