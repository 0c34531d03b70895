/* Location tables (3.11 and later), byte by byte: a real one, each form, and damage. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "python/objects/py_positions.h"
#include "support/run_suite.h"

#define TABLE(...) span_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void expect(
    struct span table, int32_t first, uint64_t at, int32_t line, int32_t end_line, int32_t from, int32_t to)
{
	struct py_position is = { 0 };

	ck_assert(py_position_locations(table, first, at, &is));
	ck_assert_int_eq(is.line, line);
	ck_assert_int_eq(is.end_line, end_line);
	ck_assert_int_eq(is.column, from);
	ck_assert_int_eq(is.end_column, to);
}

static void expect_none(struct span table, int32_t first, uint64_t at)
{
	struct py_position is = { 7, 7, 7, 7 };

	ck_assert(!py_position_locations(table, first, at, &is));
	ck_assert_int_eq(is.line, 7);
	ck_assert_int_eq(is.end_column, 7);
}

/* Of 3.12, and what its co_positions() says: a call over two lines, a comprehension. */
START_TEST(of_3_12)
{
	struct span t = TABLE(0x80, 0x00, 0xe4, 0x0b, 0x0c, 0x88, 0x51, 0xd8, 0x0d, 0x0e, 0xf3, 0x03, 0x01,
	    0x0c, 0x10, 0xd8, 0x1e, 0x1f, 0x96, 0x2e, 0x98, 0x11, 0x92, 0x31, 0x92, 0x2e, 0xf1, 0x03, 0x01,
	    0x0c, 0x21, 0xf0, 0x00, 0x01, 0x05, 0x21, 0xf9, 0xda, 0x12, 0x20);

	expect(t, 1, 0, 1, 1, 0, 0);
	expect(t, 1, 2, 3, 3, 11, 12);
	expect(t, 1, 11, 3, 3, 11, 12);
	expect(t, 1, 14, 4, 4, 13, 14);
	expect(t, 1, 16, 3, 4, 11, 15);
	expect(t, 1, 40, 4, 4, 25, 26);
	expect(t, 1, 54, 3, 4, 11, 32);
	expect(t, 1, 58, 3, 4, 4, 32);
	expect_none(t, 1, 60);
	expect(t, 1, 64, 4, 4, 18, 32);
	expect_none(t, 1, 70);
}
END_TEST

START_TEST(short_forms)
{
	/* Two units; columns in the code and the byte: 1 << 3 | 2, and 5 more. */
	struct span same = TABLE(0x89, 0x25), next = TABLE(0xd8, 4, 200);

	expect(same, 3, 0, 3, 3, 10, 15);
	expect(same, 3, 3, 3, 3, 10, 15);
	expect_none(same, 3, 4);
	expect(next, 3, 0, 4, 4, 4, 200);
}
END_TEST

START_TEST(long_form)
{
	/* 65 lines further (130 as a signed number), 2 to the end, columns 69 and 0. */
	struct span t = TABLE(0xf0, 0x42, 2, 2, 0x46, 1, 1);
	/* One line back. */
	struct span back = TABLE(0xf0, 3, 0, 1, 4);

	expect(t, 1, 0, 66, 68, 69, 0);
	expect(back, 9, 0, 8, 8, 0, 3);
}
END_TEST

START_TEST(without_columns_or_line)
{
	expect(TABLE(0xe8, 2), 4, 0, 5, 5, -1, -1);
	expect(TABLE(0xf0, 0, 0, 0, 4), 4, 0, 4, 4, -1, -1);
	expect(TABLE(0xf0, 0, 0, 4, 0), 4, 0, 4, 4, -1, -1);
	expect_none(TABLE(0xf8), 4, 0);
	/* The line of the next entry counts from the last one that has a line. */
	expect(TABLE(0xf8, 0xd8, 1, 2), 4, 2, 5, 5, 1, 2);
}
END_TEST

/* The end must not be before the beginning; numbers that are too large are none. */
START_TEST(columns_of_damage)
{
	expect(TABLE(0xd0, 9, 4), 1, 0, 1, 1, -1, -1);
	/* Over two lines it may be. */
	expect(TABLE(0xf0, 0, 1, 10, 5), 1, 0, 1, 2, 9, 4);
	/* A column of 2^31 + 3, which must not become a negative one. */
	expect(TABLE(0xf0, 0, 1, 0x44, 0x40, 0x40, 0x40, 0x40, 2, 5), 1, 0, 1, 2, -1, -1);
}
END_TEST

START_TEST(lines_of_damage)
{
	expect_none(TABLE(0xe8, 3), 1, 0);       /* line 0 */
	expect_none(TABLE(0xe8, 0x41, 1), 1, 0); /* line −31 */
	/* An end beyond 2^31. */
	expect_none(TABLE(0xf0, 0, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 3, 1, 1), 1, 0);
	/* A number of more than 32 bits. */
	expect_none(TABLE(0xe8, 0x42, 0x40, 0x40, 0x40, 0x40, 4), 1, 0);
	expect_none(TABLE(0xe8, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0), 1, 0);
}
END_TEST

/* Nothing is read beyond the end (with AddressSanitizer), and nothing is found there. */
START_TEST(cut_off)
{
	static const uint8_t whole[] = { 0xf0, 0x42, 2, 2, 0x46, 1, 1 };

	for (size_t n = 0; n < sizeof(whole); n++) {
		uint8_t *part = malloc(n + (n == 0));

		ck_assert_ptr_nonnull(part);
		memcpy(part, whole, n);
		expect_none(span_of(part, n), 1, 0);
		free(part);
	}
	expect_none(TABLE(0x80), 1, 0);
	expect_none(TABLE(0xd0, 1), 1, 0);
	expect_none(TABLE(0x05, 0x80, 0), 1, 0); /* not the start of an entry */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { of_3_12, short_forms, long_form, without_columns_or_line,
		columns_of_damage, lines_of_damage, cut_off };

	return run_suite("py_positions", tests, sizeof(tests) / sizeof(tests[0]));
}
