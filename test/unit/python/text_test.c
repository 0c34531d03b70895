/* Strings of every kind in all versions, and other objects. */
#include <stdio.h>

#include "python/objects/py_text.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

static struct py_runtime runtime_of(const struct spec *is)
{
	struct py_runtime rt = { .version = (uint32_t)is->hex };

	ck_assert_int_eq(py_layout_of_version(rt.version, 8, &rt.layout), RES_OK);
	rt.layout.char_width = is->text == TEXT_UCS2 ? 2 : 4;
	return rt;
}

/* The string at va read as a runtime of its image reads it. */
static void expect(struct image *m, uint64_t va, const char *text, size_t n)
{
	struct py_runtime rt = runtime_of(m->is);
	struct fault f = { 0 };
	struct py_string got;

	image_grab(m);
	ck_assert_msg(py_text_read(m->P, &rt, va, &got, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_eq(got.n, n);
	ck_assert_mem_eq(got.text, text, n);
	ck_assert_int_eq(got.text[n], '\0');
	ck_assert_uint_eq(rt.str_type, m->t_str);
	free(got.text);
	image_free(m);
}

static void refused(struct image *m, uint64_t va)
{
	struct py_runtime rt = runtime_of(m->is);
	struct fault f = { 0 };
	struct py_string got;

	image_grab(m);
	ck_assert_int_eq(py_text_read(m->P, &rt, va, &got, &f), RES_FAIL);
	ck_assert_str_ne(f.text, "");
	image_free(m);
}

static const int both[] = { SPEC_38, SPEC_312 }; /* with and without wstr */

START_TEST(ascii)
{
	struct image m;

	image_init(&m, &specs[both[_i]], 1 << 16);
	expect(&m, image_str(&m, "run_forever"), "run_forever", 11);
	image_init(&m, &specs[both[_i]], 1 << 16);
	expect(&m, image_str(&m, ""), "", 0);
}
END_TEST

START_TEST(latin1)
{
	struct image m;

	image_init(&m, &specs[both[_i]], 1 << 16);
	expect(&m, image_str_of(&m, "na\xefve", 5, 1, false), "na\xc3\xafve", 6);
}
END_TEST

START_TEST(two_bytes_and_lone_surrogates)
{
	const uint16_t chars[] = { 0x51fd, 'x', 0xdc80, 0x7ff };
	struct image m;

	image_init(&m, &specs[both[_i]], 1 << 16);
	expect(&m, image_str_of(&m, chars, 4, 2, false), "\xe5\x87\xbdx\xed\xb2\x80\xdf\xbf", 9);
}
END_TEST

START_TEST(four_bytes)
{
	const uint32_t chars[] = { 0x10428, 0x10ffff, 'f' };
	struct image m;

	image_init(&m, &specs[both[_i]], 1 << 16);
	expect(&m, image_str_of(&m, chars, 3, 4, false),
	    "\xf0\x90\x90\xa8\xf4\x8f\xbf\xbf"
	    "f",
	    9);
}
END_TEST

START_TEST(data_elsewhere)
{
	struct image m;
	uint64_t s;

	image_init(&m, &specs[both[_i]], 1 << 16);
	s = image_str_of(&m, "\0\0\0\0\0\0\0\0", 3, 1, false);
	put32(&m, s, m.is->s_state, 1U << 2); /* kind 1, not compact */
	put_word(&m, s, m.is->s_compact, image_bytes_at(&m, "a\xe9z", 3));
	expect(&m, s, "a\xc3\xa9z", 4);
}
END_TEST

START_TEST(not_ready)
{
	const uint32_t chars[] = { 'o', 0x20ac };
	struct image m;
	uint64_t s;

	image_init(&m, &specs[SPEC_38], 1 << 16);
	s = image_str(&m, "0123456789012345678901234567890123456789");
	put32(&m, s, 32, 0);
	put_word(&m, s, 40, image_bytes_at(&m, chars, sizeof(chars)));
	put_word(&m, s, 64, 2);
	expect(&m, s, "o\xe2\x82\xac", 4);
}
END_TEST

START_TEST(bytes_of_2_x)
{
	static const int each[] = { SPEC_24, SPEC_25, SPEC_26, SPEC_27 };
	char text[5000];
	struct image m;

	image_init(&m, &specs[each[_i]], 1 << 16);
	expect(&m, image_str(&m, "run_forever"), "run_forever", 11);
	image_init(&m, &specs[each[_i]], 1 << 16);
	expect(&m, image_str(&m, ""), "", 0);
	image_init(&m, &specs[each[_i]], 1 << 16);
	expect(&m, image_bytes(&m, "no\xff\0\xc3\xa9", 6), "no\xff\0\xc3\xa9", 6); /* as they are */
	memset(text, 'q', sizeof(text));
	image_init(&m, &specs[each[_i]], 1 << 16);
	expect(&m, image_bytes(&m, text, sizeof(text)), text, sizeof(text));
	image_init(&m, &specs[each[_i]], 1 << 16);
	refused(&m, m.t_code);
	image_init(&m, &specs[each[_i]], 1 << 16);
	refused(&m, 0);
}
END_TEST

START_TEST(unicode_of_two_bytes)
{
	const uint16_t chars[] = { 0x51fd, 'x', 0xd801, 0xdc28, 0xdc80, 0xd800 };
	struct image m;

	/* Pairs become characters, lone surrogates stay. */
	image_init(&m, &specs[SPEC_30], 1 << 16);
	expect(&m, image_unicode(&m, (const uint8_t *)chars, 6, 2),
	    "\xe5\x87\xbdx\xf0\x90\x90\xa8\xed\xb2\x80\xed\xa0\x80", 14);
	image_init(&m, &specs[SPEC_32], 1 << 16);
	expect(&m, image_str(&m, "run"), "run", 3);
	image_init(&m, &specs[SPEC_32], 1 << 16);
	expect(&m, image_str(&m, ""), "", 0);
}
END_TEST

START_TEST(unicode_of_four_bytes)
{
	const uint32_t chars[] = { 0x10428, 0xdc80, 'f' }, beyond[] = { 'a', 0x110000 };
	struct image m;

	image_init(&m, &specs[SPEC_31], 1 << 16);
	expect(&m, image_unicode(&m, (const uint8_t *)chars, 3, 4),
	    "\xf0\x90\x90\xa8\xed\xb2\x80"
	    "f",
	    8);
	image_init(&m, &specs[SPEC_31], 1 << 16);
	refused(&m, image_unicode(&m, (const uint8_t *)beyond, 2, 4));
	image_init(&m, &specs[SPEC_31], 1 << 16);
	refused(&m, image_bytes(&m, "bytes", 5));
}
END_TEST

START_TEST(longer_than_one_read)
{
	char text[5000];
	struct image m;

	memset(text, 'q', sizeof(text));
	image_init(&m, &specs[both[_i]], 1 << 16);
	expect(&m, image_str_of(&m, text, sizeof(text), 1, true), text, sizeof(text));
}
END_TEST

START_TEST(cut_at_the_limit)
{
	enum { LONG = PY_TEXT_MAX + 100 };
	char *text = malloc(LONG);
	struct image m;

	ck_assert_ptr_nonnull(text);
	memset(text, 'q', LONG);
	image_init(&m, &specs[both[_i]], 1 << 17);
	expect(&m, image_str_of(&m, text, LONG, 1, true), text, PY_TEXT_MAX);
	free(text);
}
END_TEST

START_TEST(no_strings)
{
	const uint32_t beyond[] = { 0x110000 };
	struct image m;
	uint64_t s;

	image_init(&m, &specs[both[_i]], 1 << 16);
	refused(&m, image_bytes(&m, "bytes", 5));
	image_init(&m, &specs[both[_i]], 1 << 16);
	refused(&m, image_str_of(&m, beyond, 1, 4, false));
	image_init(&m, &specs[both[_i]], 1 << 16);
	s = image_str(&m, "x");
	put32(&m, s, m.is->s_state, 3U << 2 | 32); /* kind 3 */
	refused(&m, s);
	image_init(&m, &specs[both[_i]], 1 << 16);
	s = image_str(&m, "x");
	put_word(&m, s, m.is->s_len, UINT64_MAX);
	refused(&m, s);
	image_init(&m, &specs[both[_i]], 1 << 16);
	s = image_str(&m, "x");
	put_word(&m, s, m.is->s_len, 1 << 16); /* runs out of memory that is there */
	refused(&m, s);
	image_init(&m, &specs[both[_i]], 1 << 16);
	refused(&m, 0);
	image_init(&m, &specs[both[_i]], 1 << 16);
	refused(&m, UINT64_MAX - 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("py_text");
	TCase *tcase = tcase_create("py_text");
	const TTest *const tests[] = { ascii, latin1, two_bytes_and_lone_surrogates, four_bytes,
		data_elsewhere, longer_than_one_read, cut_at_the_limit, no_strings };

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_loop_test(tcase, tests[i], 0, 2);
	tcase_add_test(tcase, not_ready);
	tcase_add_loop_test(tcase, bytes_of_2_x, 0, 4);
	tcase_add_test(tcase, unicode_of_two_bytes);
	tcase_add_test(tcase, unicode_of_four_bytes);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
