/* Line tables, byte by byte: tables that real compilers wrote, their answers, and damage. */
#include <check.h>

#include "python/objects/py_lines.h"
#include "support/run_suite.h"

#define TABLE(...) span_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* def f(a, b) over nine lines with a call whose arguments span two; see the line numbers at each
 * offset. */
START_TEST(lnotab_of_2_4_and_2_7)
{
	/* Offset → line; between two the earlier one's holds. */
	static const uint8_t in24[][2] = { { 0, 3 }, { 9, 3 }, { 10, 6 }, { 17, 6 }, { 22, 6 }, { 23, 7 },
		{ 28, 7 }, { 29, 8 }, { 39, 8 }, { 40, 9 }, { 200, 9 } };
	static const uint8_t in27[][2] = { { 0, 3 }, { 2, 3 }, { 3, 4 }, { 9, 4 }, { 10, 6 }, { 22, 6 },
		{ 23, 7 }, { 28, 7 }, { 29, 8 }, { 39, 8 }, { 40, 9 }, { 200, 9 } };
	struct span t24 = TABLE(0, 2, 0x0a, 3, 7, 0, 6, 1, 6, 1, 0x0b, 1);
	struct span t27 = TABLE(0, 2, 3, 1, 7, 2, 0x0d, 1, 6, 1, 0x0b, 1);

	for (size_t i = 0; i < sizeof(in24) / sizeof(in24[0]); i++)
		ck_assert_int_eq(py_line_lnotab(t24, 1, in24[i][0], false), in24[i][1]);
	for (size_t i = 0; i < sizeof(in27) / sizeof(in27[0]); i++)
		ck_assert_int_eq(py_line_lnotab(t27, 1, in27[i][0], false), in27[i][1]);
}
END_TEST

/* The same byte is a long step forward up to 3.5, and one back since 3.6. */
START_TEST(lnotab_of_3_5_is_unsigned_of_3_6_signed)
{
	struct span t = TABLE(6, 0xff, 2, 1);

	ck_assert_int_eq(py_line_lnotab(t, 10, 5, false), 10);
	ck_assert_int_eq(py_line_lnotab(t, 10, 6, false), 265);
	ck_assert_int_eq(py_line_lnotab(t, 10, 8, false), 266);
	ck_assert_int_eq(py_line_lnotab(t, 10, 6, true), 9);
	ck_assert_int_eq(py_line_lnotab(t, 10, 8, true), 10);
}
END_TEST

START_TEST(lnotab_of_3_6_and_3_9)
{
	struct span t36 = TABLE(0x00, 2, 2, 1, 6, 2, 0x0a, 1, 4, 1, 0x0a, 1);
	struct span t39 = TABLE(0, 2, 2, 1, 2, 0xff, 4, 3, 8, 1, 4, 1, 2, 0xff, 6, 2);

	ck_assert_int_eq(py_line_lnotab(t36, 1, 0, true), 3);
	ck_assert_int_eq(py_line_lnotab(t36, 1, 2, true), 4);
	ck_assert_int_eq(py_line_lnotab(t36, 1, 8, true), 6);
	ck_assert_int_eq(py_line_lnotab(t36, 1, 22, true), 8);
	ck_assert_int_eq(py_line_lnotab(t39, 1, 3, true), 4);
	ck_assert_int_eq(py_line_lnotab(t39, 1, 4, true), 3);
	ck_assert_int_eq(py_line_lnotab(t39, 1, 20, true), 8);
	ck_assert_int_eq(py_line_lnotab(t39, 1, 22, true), 7);
	ck_assert_int_eq(py_line_lnotab(t39, 1, 28, true), 9);
}
END_TEST

START_TEST(lnotab_of_2_7_is_unsigned)
{
	struct span gap = TABLE(0, 1, 6, 0xff, 0, 0x2d);

	ck_assert_int_eq(py_line_lnotab(gap, 1, 5, false), 2);
	ck_assert_int_eq(py_line_lnotab(gap, 1, 6, false), 302);
}
END_TEST

START_TEST(lnotab_gap_of_300_lines)
{
	struct span gap = TABLE(0, 1, 4, 0x7f, 0, 0x7f, 0, 0x2e);

	ck_assert_int_eq(py_line_lnotab(gap, 1, 3, true), 2);
	ck_assert_int_eq(py_line_lnotab(gap, 1, 4, true), 302);
}
END_TEST

START_TEST(lnotab_empty_or_odd)
{
	ck_assert_int_eq(py_line_lnotab(span_of(NULL, 0), 5, 10, true), 5);
	ck_assert_int_eq(py_line_lnotab(TABLE(2, 1, 2), 5, 10, true), 6);
	ck_assert_int_eq(py_line_lnotab(TABLE(0, 0x80), 5, 10, true), 0); /* line −123 */
}
END_TEST

START_TEST(ranges_of_3_10)
{
	struct span t = TABLE(2, 2, 2, 1, 4, 0xff, 8, 3, 4, 1, 2, 1, 6, 0xff, 4, 2);

	ck_assert_int_eq(py_line_ranges(t, 1, 0), 3);
	ck_assert_int_eq(py_line_ranges(t, 1, 2), 4);
	ck_assert_int_eq(py_line_ranges(t, 1, 7), 3);
	ck_assert_int_eq(py_line_ranges(t, 1, 15), 6);
	ck_assert_int_eq(py_line_ranges(t, 1, 22), 7);
	ck_assert_int_eq(py_line_ranges(t, 1, 31), 9);
	ck_assert_int_eq(py_line_ranges(t, 1, 32), 0); /* after the end */
	ck_assert_int_eq(py_line_ranges(TABLE(4, 1, 0, 0x7f, 0, 0x7f, 4, 0x2e), 1, 4), 302);
}
END_TEST

START_TEST(ranges_without_line)
{
	struct span t = TABLE(2, 1, 4, 0x80, 2, 3);

	ck_assert_int_eq(py_line_ranges(t, 10, 1), 11);
	ck_assert_int_eq(py_line_ranges(t, 10, 3), 10);
	ck_assert_int_eq(py_line_ranges(t, 10, 6), 14);
}
END_TEST

START_TEST(locations_of_3_12)
{
	struct span t = TABLE(0x80, 0, 0xe0, 9, 0x0a, 0xd8, 9, 0x0a, 0xf1, 3, 1, 0x0a, 0x0b, 0x80, 0x41, 0xf0,
	    6, 0, 0x0e, 0x0f);

	ck_assert_int_eq(py_line_locations(t, 1, 0), 1);
	ck_assert_int_eq(py_line_locations(t, 1, 2), 3);
	ck_assert_int_eq(py_line_locations(t, 1, 5), 4);
	ck_assert_int_eq(py_line_locations(t, 1, 6), 3);
	ck_assert_int_eq(py_line_locations(t, 1, 9), 3);
	ck_assert_int_eq(py_line_locations(t, 1, 10), 3);
	ck_assert_int_eq(py_line_locations(t, 1, 12), 6);
	ck_assert_int_eq(py_line_locations(t, 1, 14), 0);
}
END_TEST

START_TEST(locations_of_3_15)
{
	struct span t = TABLE(0x81, 0, 0xe0, 9, 0x0a, 0xf5, 3, 1, 0x0a, 0x0b);

	ck_assert_int_eq(py_line_locations(t, 1, 3), 1);
	ck_assert_int_eq(py_line_locations(t, 1, 4), 3);
	ck_assert_int_eq(py_line_locations(t, 1, 6), 2);
	ck_assert_int_eq(py_line_locations(t, 1, 17), 2);
	ck_assert_int_eq(py_line_locations(t, 1, 18), 0);
}
END_TEST

START_TEST(locations_long_step_and_lineless)
{
	struct span far = TABLE(0xf0, 0x58, 9, 0, 0x0c, 0x0d), none = TABLE(0x80, 0, 0xf8, 0xe8, 4);

	ck_assert_int_eq(py_line_locations(far, 1, 0), 301);
	ck_assert_int_eq(py_line_locations(none, 7, 2), 7); /* no location */
	ck_assert_int_eq(py_line_locations(none, 7, 4), 9); /* code 13: a signed step alone */
}
END_TEST

START_TEST(locations_damaged)
{
	struct span endless = TABLE(0xf0, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f);

	ck_assert_int_eq(py_line_locations(endless, 1, 0), 0);
	ck_assert_int_eq(py_line_locations(TABLE(0x00, 0x80), 1, 0), 0);
	ck_assert_int_eq(py_line_locations(TABLE(0xf0, 0x58), 1, 0), 0);
	ck_assert_int_eq(py_line_locations(TABLE(0xe8, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x03), 1, 0), 0);
	/* A seventh byte has no bits left. */
	ck_assert_int_eq(py_line_locations(TABLE(0xe8, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x01), 1, 0), 0);
	ck_assert_int_eq(py_line_locations(span_of(NULL, 0), 1, 0), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { lnotab_of_2_4_and_2_7, lnotab_of_3_5_is_unsigned_of_3_6_signed,
		lnotab_of_3_6_and_3_9, lnotab_of_2_7_is_unsigned, lnotab_gap_of_300_lines,
		lnotab_empty_or_odd, ranges_of_3_10, ranges_without_line, locations_of_3_12,
		locations_of_3_15, locations_long_step_and_lineless, locations_damaged };

	return run_suite("py_lines", tests, sizeof(tests) / sizeof(tests[0]));
}
