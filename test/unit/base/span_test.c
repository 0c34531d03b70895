/* The cursor: every function reads up to the end and not one byte beyond it. */
#include <check.h>
#include <stdlib.h>

#include "base/span.h"
#include "support/run_suite.h"

static const uint8_t eight[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

START_TEST(takes_in_order)
{
	struct span s = span_of(eight, sizeof(eight));
	uint8_t a;
	uint16_t b;
	uint32_t c;

	ck_assert(span_u8(&s, &a) && a == 1);
	ck_assert(span_u16(&s, &b) && b == 0x0302);
	ck_assert(span_u32(&s, &c) && c == 0x07060504);
	ck_assert_uint_eq(span_left(&s), 1);
}
END_TEST

START_TEST(a_refused_take_consumes_nothing)
{
	struct span s = span_of(eight, 7), cut = { NULL, NULL };
	uint64_t value = 99;

	ck_assert(!span_u64(&s, &value));
	ck_assert_uint_eq(value, 99);
	ck_assert(!span_skip(&s, 8));
	ck_assert(!span_skip(&s, SIZE_MAX));
	ck_assert(!span_cut(&s, 8, &cut));
	ck_assert_ptr_null(cut.at);
	ck_assert_uint_eq(span_left(&s), 7);
	ck_assert(span_skip(&s, 7));
	ck_assert(!span_skip(&s, 1));
	ck_assert(span_skip(&s, 0));
}
END_TEST

START_TEST(a_cut_ends_where_it_ends)
{
	struct span s = span_of(eight, sizeof(eight)), cut;
	uint32_t value;

	ck_assert(span_cut(&s, 3, &cut));
	ck_assert_uint_eq(span_left(&cut), 3);
	ck_assert(!span_u32(&cut, &value));
	ck_assert(span_u32(&s, &value) && value == 0x07060504);
}
END_TEST

START_TEST(strings_need_their_nul)
{
	struct span s = span_of("ab\0\0cd", 6);
	const char *text = NULL;

	ck_assert(span_cstr(&s, &text));
	ck_assert_str_eq(text, "ab");
	ck_assert(span_cstr(&s, &text));
	ck_assert_str_eq(text, "");
	ck_assert(!span_cstr(&s, &text));
	ck_assert_uint_eq(span_left(&s), 2);
}
END_TEST

START_TEST(nothing_is_a_span_too)
{
	struct span s = span_of(NULL, 0), cut;
	const char *text;
	uint8_t byte;

	ck_assert_uint_eq(span_left(&s), 0);
	ck_assert(!span_u8(&s, &byte));
	ck_assert(!span_cstr(&s, &text));
	ck_assert(span_take(&s, &byte, 0));
	ck_assert(span_skip(&s, 0));
	ck_assert(span_cut(&s, 0, &cut));
	ck_assert_uint_eq(span_left(&cut), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/span");
	TCase *tc = tcase_create("span");

	tcase_add_test(tc, takes_in_order);
	tcase_add_test(tc, a_refused_take_consumes_nothing);
	tcase_add_test(tc, a_cut_ends_where_it_ends);
	tcase_add_test(tc, strings_need_their_nul);
	tcase_add_test(tc, nothing_is_a_span_too);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
