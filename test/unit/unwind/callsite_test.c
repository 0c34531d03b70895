/* Calls before a return address, and the end of CPython's trampolines for perf. */
#include <stdlib.h>
#include <string.h>

#include "support/fake_process.h"
#include "support/run_suite.h"
#include "unwind/unwind.h"

enum { TEXT = 0x400000, DATA = 0x500000, PAGE = 0x1000, AT = 0x100 };

static uint8_t text[PAGE], data[PAGE];
static struct ps_prochandle *P;

static void setup(void)
{
	static const struct fake_segment segments[] = { { TEXT, text, sizeof(text) },
		{ DATA, data, sizeof(data) }, { 0 } };
	static const struct fake_map maps[] = { { TEXT, PAGE, MA_READ | MA_EXEC, 0, "program" },
		{ DATA, PAGE, MA_READ | MA_WRITE, 0, NULL }, { 0 } };
	static struct fake_process fake;

	fake = (struct fake_process){ .pid = 1, .segments = segments, .maps = maps };
	P = fake_grab(&fake);
	ck_assert_ptr_nonnull(P);
	memset(text, 0x90, sizeof(text));
	memset(data, 0x90, sizeof(data));
}

static void teardown(void)
{
	Prelease(P, 0);
}

START_TEST(return_address_is_after_a_call)
{
	static const struct {
		uint8_t n, code[7];
		bool want;
	} cases[] = {
		{ 5, { 0xe8, 1, 2, 3, 4 }, true },
		{ 2, { 0xff, 0xd0 }, true },                   /* call *%rax */
		{ 3, { 0x41, 0xff, 0xd3 }, true },             /* call *%r11 */
		{ 6, { 0xff, 0x15, 1, 2, 3, 4 }, true },       /* call *X(%rip) */
		{ 7, { 0xff, 0x94, 0x24, 1, 2, 3, 4 }, true }, /* call *X(%rsp) */
		{ 5, { 0xff, 0x10, 1, 2, 3 }, false },         /* no form has 5 bytes */
		{ 2, { 0xff, 0xe0 }, false },                  /* jmp *%rax */
		{ 6, { 0xe8, 1, 2, 3, 4, 0x90 }, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(text, 0x90, AT);
		memset(data, 0x90, AT);
		memcpy(text + AT - cases[i].n, cases[i].code, cases[i].n);
		memcpy(data + AT - cases[i].n, cases[i].code, cases[i].n);
		ck_assert_msg(unwind_follows_call(P, TEXT + AT) == cases[i].want, "case %zu", i);
		ck_assert(!unwind_follows_call(P, DATA + AT));
	}
	ck_assert(!unwind_follows_call(P, 0));
}
END_TEST

/* Made code may begin a mapping, with nothing before it. */
START_TEST(call_begins_the_mapping)
{
	static const uint8_t call[] = { 0xff, 0xd7 };

	memcpy(text, call, sizeof(call));
	ck_assert(unwind_follows_call(P, TEXT + sizeof(call)));
	ck_assert(!unwind_follows_call(P, TEXT + 1));
	ck_assert(!unwind_follows_call(P, TEXT));
	memcpy(text + 4, call, sizeof(call));
	ck_assert(unwind_follows_call(P, TEXT + 4 + sizeof(call)));
}
END_TEST

START_TEST(perf_trampoline_gives_its_caller)
{
	static const uint8_t drops[ARCH_PERF_END] = { 0x48, 0x83, 0xc4, 0x08, 0xc3 },
			     pops[ARCH_PERF_END] = { 0x5d, 0xc3 }, none[ARCH_PERF_END] = { 0x5d, 0xc2 };
	static const uint64_t words[2] = { 0x7000, 0x400123 };
	const struct arch_perf *perf;
	struct unwind_perf_caller caller;

	ck_assert_ptr_null(unwind_perf_trampoline(&arch_x86_64, none));
	ck_assert_ptr_null(unwind_perf_trampoline(&arch_i386, pops));
	perf = unwind_perf_trampoline(&arch_x86_64, drops);
	ck_assert_ptr_nonnull(perf);
	caller = unwind_perf_caller(perf, 0x6000, words);
	ck_assert(!caller.fp_known);
	perf = unwind_perf_trampoline(&arch_x86_64, pops);
	ck_assert_ptr_nonnull(perf);
	caller = unwind_perf_caller(perf, 0x6000, words);
	ck_assert(caller.fp_known);
	ck_assert_uint_eq(caller.fp, 0x7000);
	ck_assert_uint_eq(caller.pc, 0x400123);
	ck_assert_uint_eq(caller.sp, 0x6010);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("callsite");
	TCase *t = tcase_create("callsite");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, return_address_is_after_a_call);
	tcase_add_test(t, call_begins_the_mapping);
	tcase_add_test(t, perf_trampoline_gives_its_caller);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
