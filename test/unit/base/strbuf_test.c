/* The text builder. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "support/run_suite.h"

START_TEST(empty_is_the_empty_string)
{
	struct strbuf b = STRBUF_EMPTY;

	ck_assert_str_eq(strbuf_text(&b), "");
	strbuf_add(&b, NULL, 0);
	strbuf_str(&b, "");
	ck_assert_str_eq(strbuf_text(&b), "");
	ck_assert(!b.failed);
	strbuf_free(&b);
	strbuf_free(&b);
}
END_TEST

START_TEST(pieces_join)
{
	struct strbuf b = STRBUF_EMPTY;

	strbuf_str(&b, "one ");
	strbuf_add(&b, "two and", 3);
	strbuf_char(&b, ' ');
	strbuf_fmt(&b, "%d%s", 3, "!");
	ck_assert_str_eq(strbuf_text(&b), "one two 3!");
	ck_assert_uint_eq(b.n, 10);
	strbuf_reset(&b);
	ck_assert_str_eq(strbuf_text(&b), "");
	strbuf_str(&b, "again");
	ck_assert_str_eq(strbuf_text(&b), "again");
	strbuf_free(&b);
}
END_TEST

START_TEST(long_formats_are_not_cut)
{
	struct strbuf b = STRBUF_EMPTY;

	for (int width = 254; width <= 258; width++) {
		strbuf_reset(&b);
		strbuf_fmt(&b, "%*d|", width, 7);
		ck_assert_uint_eq(b.n, (size_t)width + 1);
		ck_assert_uint_eq(strlen(strbuf_text(&b)), (size_t)width + 1);
		ck_assert_int_eq(b.at[width - 1], '7');
		ck_assert_int_eq(b.at[width], '|');
	}
	strbuf_fmt(&b, "%*d", 100000, 7);
	ck_assert_uint_eq(b.n, 259 + 100000);
	strbuf_free(&b);
}
END_TEST

START_TEST(nul_bytes_are_bytes)
{
	struct strbuf b = STRBUF_EMPTY;

	strbuf_add(&b, "a\0b", 3);
	ck_assert_uint_eq(b.n, 3);
	ck_assert_mem_eq(b.at, "a\0b", 4);
	strbuf_free(&b);
}
END_TEST

START_TEST(an_addition_that_cannot_fit_is_dropped_and_remembered)
{
	struct strbuf b = STRBUF_EMPTY;

	strbuf_str(&b, "kept");
	strbuf_add(&b, "x", SIZE_MAX);
	ck_assert(b.failed);
	strbuf_add(&b, "x", SIZE_MAX - 5);
	ck_assert_str_eq(strbuf_text(&b), "kept");
	strbuf_reset(&b);
	ck_assert(!b.failed);
	strbuf_free(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/strbuf");
	TCase *tc = tcase_create("strbuf");

	tcase_add_test(tc, empty_is_the_empty_string);
	tcase_add_test(tc, pieces_join);
	tcase_add_test(tc, long_formats_are_not_cut);
	tcase_add_test(tc, nul_bytes_are_bytes);
	tcase_add_test(tc, an_addition_that_cannot_fit_is_dropped_and_remembered);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
