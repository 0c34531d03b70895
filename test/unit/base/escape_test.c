/* Escaped text. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "support/run_suite.h"

static void check_escape(const char *in, size_t n, bool bracket, const char *want)
{
	struct strbuf b = STRBUF_EMPTY;

	escape_text(&b, in, n, bracket);
	ck_assert_str_eq(strbuf_text(&b), want);
	strbuf_free(&b);
}

#define ck_escape(in, want) check_escape((in), sizeof(in) - 1, false, (want))

START_TEST(printable_text_stays)
{
	ck_escape("", "");
	ck_escape("/usr/lib/a b.py", "/usr/lib/a b.py");
	ck_escape("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x90\x8d", "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x90\x8d");
	ck_escape("\xc2\xa0\xf4\x8f\xbf\xbd", "\xc2\xa0\xf4\x8f\xbf\xbd");
	ck_escape("a[b]", "a[b]");
}
END_TEST

START_TEST(control_characters_are_shown)
{
	ck_escape("a\nb\t\x1b[2J\x7f", "a\\x0ab\\x09\\x1b[2J\\x7f");
	ck_escape("\0", "\\x00");
	ck_escape("\xc2\x80\xc2\x9b\xc2\x9f", "\\x80\\x9b\\x9f");
}
END_TEST

/* Text that looks escaped but is not. */
START_TEST(backslashes_are_doubled)
{
	ck_escape("a\\x0ab", "a\\\\x0ab");
	ck_escape("a\nb\\", "a\\x0ab\\\\");
	check_escape("\\x5b[", 5, true, "\\\\x5b\\x5b");
}
END_TEST

START_TEST(invalid_bytes_are_shown_one_by_one)
{
	ck_escape("\xff\xfe", "\\xff\\xfe");
	ck_escape("\x80z", "\\x80z");
	ck_escape("\xc3", "\\xc3");
	ck_escape("\xc3(", "\\xc3(");
	ck_escape("\xe2\x82", "\\xe2\\x82");
	ck_escape("\xe2\x82\x41", "\\xe2\\x82\x41");
	/* overlong forms of '/', and above U+10FFFF */
	ck_escape("\xc0\xaf", "\\xc0\\xaf");
	ck_escape("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	ck_escape("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf");
	ck_escape("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	ck_escape("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
}
END_TEST

START_TEST(surrogates_and_deceivers_by_number)
{
	ck_escape("\xed\xa0\x80\xed\xb3\xbf", "\\ud800\\udcff");
	ck_escape("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029");
	ck_escape("\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9", "\\u202a\\u202e\\u2066\\u2069");
	ck_escape("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c\xef\xbb\xbf", "\\u200e\\u200f\\u061c\\ufeff");
	/* adjacent code points stay */
	ck_escape("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\x9f\xe2\x81\xb0",
	    "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\x9f\xe2\x81\xb0");
}
END_TEST

START_TEST(invisible_characters_by_number)
{
	/* zero width: space, non-joiner, joiner; soft hyphen, word joiner, Hangul filler */
	ck_escape("a\xe2\x80\x8b\xe2\x80\x8c\xe2\x80\x8d", "a\\u200b\\u200c\\u200d");
	ck_escape("\xc2\xad\xe2\x81\xa0\xe3\x85\xa4", "\\u00ad\\u2060\\u3164");
	/* variation selectors, tags, interlinear annotation, noncharacters */
	ck_escape("\xef\xb8\x8f\xf3\xa0\x84\x80", "\\ufe0f\\U000e0100");
	ck_escape("\xf3\xa0\x81\x81\xef\xbf\xb9", "\\U000e0041\\ufff9");
	ck_escape("\xef\xbf\xbf\xef\xb7\x90\xf4\x8f\xbf\xbf", "\\uffff\\ufdd0\\U0010ffff");
	/* Of the format characters, this one is seen. */
	ck_escape("\xd8\x80", "\xd8\x80");
}
END_TEST

START_TEST(bracket_on_request)
{
	check_escape("a[b]", 4, true, "a\\x5bb]");
}
END_TEST

START_TEST(input_ends_where_it_is_said_to)
{
	/* Bytes after the end are not read, even if they would complete a sequence. */
	check_escape("\xe2\x82\xac", 2, false, "\\xe2\\x82");
	check_escape("abc", 1, false, "a");
}
END_TEST

START_TEST(very_long_names_are_cut_visibly)
{
	struct strbuf b = STRBUF_EMPTY;
	size_t n = (size_t)ESCAPE_LIMIT + 1;
	char *text = malloc(n);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', n);
	escape_text(&b, text, n - 1, false);
	ck_assert_uint_eq(b.n, n - 1);
	strbuf_reset(&b);
	escape_text(&b, text, n, false);
	ck_assert_uint_eq(b.n, n - 1 + 3);
	/* An escaped code point counts as one, at any position. */
	text[7] = '\n';
	strbuf_reset(&b);
	escape_text(&b, text, n, false);
	ck_assert_uint_eq(b.n, n - 1 + 3 + 3);
	text[n - 2] = '\n';
	strbuf_reset(&b);
	escape_text(&b, text, n - 1, false);
	ck_assert_uint_eq(b.n, n - 1 + 3 + 3);
	ck_assert_str_eq(strbuf_text(&b) + b.n - 4, "\\x0a");
	text[7] = text[n - 2] = 'x';
	strbuf_reset(&b);
	escape_text(&b, text, n, false);
	ck_assert_str_eq(strbuf_text(&b) + n - 1, "...");
	strbuf_free(&b);
	free(text);
}
END_TEST

START_TEST(escaped_text_is_not_escaped_twice)
{
	static const char in[] = "'a\\n\\\\ \n\x1b[ caf\xc3\xa9 \xed\xb2\x80 \xe2\x80\xae \xff'";
	struct strbuf b = STRBUF_EMPTY;

	escape_controls(&b, in, sizeof(in) - 1);
	ck_assert_str_eq(strbuf_text(&b), "'a\\n\\\\ \\x0a\\x1b[ caf\xc3\xa9 \\udc80 \\u202e \\xff'");
	strbuf_free(&b);
}
END_TEST

/* Check what escape_invalid makes of n bytes. */
static void check_invalid(const char *in, size_t n, const char *want, bool deceptive)
{
	struct strbuf b = STRBUF_EMPTY;

	ck_assert_int_eq(escape_invalid(&b, in, n), deceptive);
	ck_assert_str_eq(strbuf_text(&b), want);
	strbuf_free(&b);
}
#define INVALID(in, want, deceptive) check_invalid(in, sizeof(in) - 1, want, deceptive)

START_TEST(only_invalid_text_changes)
{
	INVALID("", "", false);
	INVALID("plain [x]; \"y\"", "plain [x]; \"y\"", false);
	INVALID("a\tb\n\x1b[1m", "a\tb\n\x1b[1m", false);
	INVALID("a\\b", "a\\\\b", false);
	INVALID("caf\xc3\xa9 \xf0\x9f\x90\x8d", "caf\xc3\xa9 \xf0\x9f\x90\x8d", false);
	INVALID("\xff\xc3(\xc0\x80", "\\udcff\\udcc3(\\udcc0\\udc80", false);
	INVALID("\xed\xb3\xbf\xed\xa0\x80!", "\\udcff\\ud800!", false);
	INVALID("\xf4\x90\x80\x80", "\\udcf4\\udc90\\udc80\\udc80", false);
	INVALID("\xe2\x80\xae", "\xe2\x80\xae", true);
	INVALID("\xc2\x9b", "\xc2\x9b", true);
	INVALID("\x7f", "\x7f", true);
	check_invalid("\xc3\xa9", 1, "\\udcc3", false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/escape");
	TCase *tc = tcase_create("escape");

	tcase_add_test(tc, printable_text_stays);
	tcase_add_test(tc, control_characters_are_shown);
	tcase_add_test(tc, backslashes_are_doubled);
	tcase_add_test(tc, invalid_bytes_are_shown_one_by_one);
	tcase_add_test(tc, surrogates_and_deceivers_by_number);
	tcase_add_test(tc, invisible_characters_by_number);
	tcase_add_test(tc, bracket_on_request);
	tcase_add_test(tc, input_ends_where_it_is_said_to);
	tcase_add_test(tc, very_long_names_are_cut_visibly);
	tcase_add_test(tc, escaped_text_is_not_escaped_twice);
	tcase_add_test(tc, only_invalid_text_changes);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
