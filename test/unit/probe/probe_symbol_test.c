/* Places of probes in functions, in the file of this test. */
#include <check.h>
#include <string.h>

#include "probe/probe_symbol.h"
#include "support/run_suite.h"

/* A function of two instructions, of 5 bytes and 1, and data beside it. */
__asm__(".pushsection .text\n"
	".globl probed\n.type probed, @function\n"
	"probed: .byte 0xb8, 0x54, 0, 0, 0\n.byte 0xc3\n"
	".size probed, . - probed\n"
	".globl probed_data\n.type probed_data, @object\n"
	"probed_data: .byte 0x90\n"
	".size probed_data, . - probed_data\n"
	".popsection\n");

static enum res place(const char *symbol, uint64_t offset, uint64_t *out, struct fault *f)
{
	*f = (struct fault){ 0 };
	return probe_symbol_place("/proc/self/exe", symbol, offset, out, f);
}

START_TEST(instructions)
{
	uint64_t start = 0, second = 0;
	struct fault f;

	ck_assert_int_eq(place("probed", 0, &start, &f), RES_OK);
	ck_assert_int_eq(place("probed", 5, &second, &f), RES_OK);
	ck_assert_uint_eq(second, start + 5);
}
END_TEST

/* A breakpoint there would be a part of the number that the first instruction loads. */
START_TEST(inside_an_instruction)
{
	uint64_t at;
	struct fault f;

	for (uint64_t offset = 1; offset < 5; offset++) {
		ck_assert_int_eq(place("probed", offset, &at, &f), RES_FAIL);
		ck_assert_ptr_nonnull(strstr(f.text, "no instruction starts at this offset"));
	}
}
END_TEST

START_TEST(elsewhere)
{
	uint64_t at;
	struct fault f;

	ck_assert_int_eq(place("probed", 6, &at, &f), RES_FAIL);
	ck_assert_ptr_nonnull(strstr(f.text, "has only 6 bytes"));
	ck_assert_int_eq(place("no_such_function", 0, &at, &f), RES_FAIL);
	ck_assert_ptr_nonnull(strstr(f.text, "no function of this name"));
	/* The nearest names: of functions, not of data. */
	ck_assert_int_eq(place("porbed", 0, &at, &f), RES_FAIL);
	ck_assert_msg(strstr(f.text, "is it probed?") != NULL, "%s", f.text);
	ck_assert_int_eq(place("probed_datta", 0, &at, &f), RES_FAIL);
	ck_assert_msg(strstr(f.text, "probed_data") == NULL, "%s", f.text);
	ck_assert_int_eq(place("probed_data", 0, &at, &f), RES_FAIL);
	ck_assert_int_eq(probe_symbol_place("/no/such/file", "probed", 0, &at, &f), RES_FAIL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { instructions, inside_an_instruction, elsewhere };

	return run_suite("probe_symbol", tests, sizeof(tests) / sizeof(tests[0]));
}
