/* The note iterator with valid, unusual and truncated notes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "elf/notes.h"
#include "support/run_suite.h"

struct bytes {
	uint8_t at[256];
	size_t n;
};

static void put(struct bytes *b, const void *data, size_t n)
{
	memcpy(b->at + b->n, data, n);
	b->n += n;
}

static void put_head(struct bytes *b, uint32_t namesz, uint32_t descsz, uint32_t type)
{
	const uint32_t head[3] = { namesz, descsz, type };

	put(b, head, sizeof(head));
}

START_TEST(two_notes_then_the_end)
{
	struct bytes b = { .n = 0 };
	struct elf_note note;
	struct span s;

	put_head(&b, 5, 3, 7);
	put(&b, "CORE\0\0\0\0", 8);
	put(&b, "abc\0", 4);
	put_head(&b, 4, 0, 9);
	put(&b, "GNU", 4);
	s = span_of(b.at, b.n);
	ck_assert_int_eq(elf_note_next(&s, 4, &note), RES_OK);
	ck_assert_uint_eq(note.type, 7);
	ck_assert_str_eq(note.name, "CORE");
	ck_assert_uint_eq(span_left(&note.desc), 3);
	ck_assert_mem_eq(note.desc.at, "abc", 3);
	ck_assert_int_eq(elf_note_next(&s, 4, &note), RES_OK);
	ck_assert_uint_eq(note.type, 9);
	ck_assert_str_eq(note.name, "GNU");
	ck_assert_uint_eq(span_left(&note.desc), 0);
	ck_assert_int_eq(elf_note_next(&s, 4, &note), RES_NONE);
}
END_TEST

START_TEST(eight_byte_alignment_pads_name_and_descriptor)
{
	struct bytes b = { .n = 0 };
	struct elf_note note;
	struct span s;

	put_head(&b, 4, 4, 5);
	put(&b, "GNU", 4); /* 16: on the boundary */
	put(&b, "abcd\0\0\0\0", 8);
	put_head(&b, 6, 2, 6);
	put(&b, "FIVE5\0\0\0\0\0\0\0", 12); /* 18, padded to 24 */
	put(&b, "xy", 2);
	s = span_of(b.at, b.n);
	ck_assert_int_eq(elf_note_next(&s, 8, &note), RES_OK);
	ck_assert_mem_eq(note.desc.at, "abcd", 4);
	ck_assert_int_eq(elf_note_next(&s, 8, &note), RES_OK);
	ck_assert_str_eq(note.name, "FIVE5");
	ck_assert_mem_eq(note.desc.at, "xy", 2);
	ck_assert_int_eq(elf_note_next(&s, 8, &note), RES_NONE);
}
END_TEST

START_TEST(odd_alignment_is_four)
{
	struct bytes b = { .n = 0 };
	struct elf_note note;
	struct span s;

	put_head(&b, 0, 1, 1);
	put(&b, "z\0\0\0", 4);
	put_head(&b, 0, 0, 2);
	s = span_of(b.at, b.n);
	ck_assert_int_eq(elf_note_next(&s, 0, &note), RES_OK);
	ck_assert_str_eq(note.name, "");
	ck_assert_int_eq(elf_note_next(&s, 1, &note), RES_OK);
	ck_assert_uint_eq(note.type, 2);
}
END_TEST

START_TEST(name_without_nul_is_empty)
{
	struct bytes b = { .n = 0 };
	struct elf_note note;
	struct span s;

	put_head(&b, 4, 4, 1);
	put(&b, "GNUX", 4);
	put(&b, "abcd", 4);
	s = span_of(b.at, b.n);
	ck_assert_int_eq(elf_note_next(&s, 4, &note), RES_OK);
	ck_assert_str_eq(note.name, "");
	ck_assert_mem_eq(note.desc.at, "abcd", 4);
}
END_TEST

START_TEST(truncated_descriptor_is_handed_out_short)
{
	struct bytes b = { .n = 0 };
	struct elf_note note;
	struct span s;

	put_head(&b, 5, 100, 1);
	put(&b, "CORE\0\0\0\0", 8);
	put(&b, "abcd", 4);
	s = span_of(b.at, b.n);
	ck_assert_int_eq(elf_note_next(&s, 4, &note), RES_FAIL);
	ck_assert_str_eq(note.name, "CORE");
	ck_assert_uint_eq(span_left(&note.desc), 4);
	ck_assert_uint_eq(span_left(&s), 0);
	ck_assert_int_eq(elf_note_next(&s, 4, &note), RES_NONE);
}
END_TEST

START_TEST(sizes_near_four_gigabytes_do_not_wrap)
{
	struct bytes b = { .n = 0 };
	struct elf_note note;
	struct span s;

	put_head(&b, UINT32_MAX, UINT32_MAX, 1);
	put(&b, "CORE", 4);
	s = span_of(b.at, b.n);
	ck_assert_int_eq(elf_note_next(&s, 4, &note), RES_FAIL);
	ck_assert_str_eq(note.name, "");
	ck_assert_uint_eq(span_left(&note.desc), 0);
}
END_TEST

START_TEST(eleven_bytes_are_no_note)
{
	const uint8_t few[11] = { 1 };
	struct elf_note note;
	struct span s = span_of(few, sizeof(few)), none = span_of(NULL, 0);

	ck_assert_int_eq(elf_note_next(&s, 4, &note), RES_NONE);
	ck_assert_int_eq(elf_note_next(&none, 4, &note), RES_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("elf/notes");
	TCase *tc = tcase_create("notes");

	tcase_add_test(tc, two_notes_then_the_end);
	tcase_add_test(tc, eight_byte_alignment_pads_name_and_descriptor);
	tcase_add_test(tc, odd_alignment_is_four);
	tcase_add_test(tc, name_without_nul_is_empty);
	tcase_add_test(tc, truncated_descriptor_is_handed_out_short);
	tcase_add_test(tc, sizes_near_four_gigabytes_do_not_wrap);
	tcase_add_test(tc, eleven_bytes_are_no_note);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
