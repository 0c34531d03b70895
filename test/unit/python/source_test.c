/* Files of source: encodings by PEP 263, lines, zips that are damaged or hostile, and what speaks
 * against a file. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "python/source/source.h"
#include "support/run_suite.h"

#define FILE_OF(text) file_of(text, sizeof(text) - 1)

static struct source_file file_of(const char *text, size_t n)
{
	struct source_file f = { .tried = true };

	strbuf_add(&f.text, text, n);
	ck_assert(source_decode(&f));
	return f;
}

static void file_end(struct source_file *f)
{
	strbuf_free(&f->text);
	vec_free(&f->lines);
}

/* The text, whose encoding is known or (unknown != "") is not, has this line. */
static void expect_line(const char *text, size_t n, const char *unknown, int32_t number, const char *is)
{
	struct source_file f = file_of(text, n);
	struct py_source_line line;

	ck_assert_str_eq(f.unknown, unknown);
	ck_assert(source_line(&f, number, &line));
	ck_assert_msg(line.n == strlen(is) && memcmp(line.text, is, line.n) == 0, "line %d: '%.*s', not '%s'",
	    (int)number, (int)line.n, line.text, is);
	file_end(&f);
}

#define EXPECT_LINE(text, unknown, number, is) expect_line(text, sizeof(text) - 1, unknown, number, is)

START_TEST(utf_8_by_many_names)
{
	EXPECT_LINE("x = '\xc3\xa9'\n", "", 1, "x = '\xc3\xa9'");
	EXPECT_LINE("# -*- coding: utf-8 -*-\n\xc3\xa9\n", "", 2, "\xc3\xa9");
	EXPECT_LINE("# -*- coding: UTF_8-unix -*-\n\xc3\xa9\n", "", 2, "\xc3\xa9");
	EXPECT_LINE("\xef\xbb\xbf# coding: latin-1\n\xc3\xa9\n", "", 2, "\xc3\xa9");
	EXPECT_LINE("\xef\xbb\xbfx\n", "", 1, "x");
}
END_TEST

START_TEST(latin_1_by_many_names)
{
	EXPECT_LINE("# coding=latin-1\n\xe9\n", "", 2, "\xc3\xa9");
	EXPECT_LINE("# coding: Latin_1-unix\n\xe9\n", "", 2, "\xc3\xa9");
	EXPECT_LINE("# vim: set fileencoding=iso-8859-1 :\n\xff\n", "", 2, "\xc3\xbf");
}
END_TEST

/* PEP 263: in a comment of the first two lines, of which the first has nothing else. */
START_TEST(where_an_encoding_is_told)
{
	EXPECT_LINE("#!/usr/bin/python\n\t\f# coding: latin-1\n\xe9\n", "", 3, "\xc3\xa9");
	EXPECT_LINE("x = 1\n# coding: latin-1\n\xe9\n", "", 3, "\xe9");
	EXPECT_LINE("\n\n# coding: latin-1\n\xe9\n", "", 4, "\xe9");
	EXPECT_LINE("'coding: latin-1'\n\xe9\n", "", 2, "\xe9");
	EXPECT_LINE("# coding latin-1, coding: latin-1\n\xe9\n", "", 2, "\xc3\xa9");
	EXPECT_LINE("# coding:", "", 1, "# coding:");
	EXPECT_LINE("# coding: \n\xe9\n", "", 2, "\xe9");
}
END_TEST

/* What is not decoded, or not as Python does it, is told. */
START_TEST(unknown_encodings)
{
	EXPECT_LINE("# coding: rot13\n\xe9\n", "rot13", 2, "\xe9");
	EXPECT_LINE("# coding: utf-7\nx\n", "utf-7", 2, "x");
	EXPECT_LINE("# coding: iso2022-jp\n\x1b$B\n", "iso2022-jp", 2, "\x1b$B");
	EXPECT_LINE("# coding: cp99999\nx\n", "cp99999", 2, "x");
	/* The C library's has a yen sign there. */
	EXPECT_LINE("# coding: shift_jis\n'\\n'\n", "shift-jis", 2, "'\\n'");
}
END_TEST

START_TEST(lines_end_in_three_ways)
{
	static const char text[] = "a\nb\r\nc\rd\n\ne";
	struct source_file f = FILE_OF(text), none = FILE_OF("");
	struct py_source_line line;

	EXPECT_LINE(text, "", 2, "b");
	EXPECT_LINE(text, "", 3, "c");
	EXPECT_LINE(text, "", 4, "d");
	EXPECT_LINE(text, "", 5, "");
	EXPECT_LINE(text, "", 6, "e");
	ck_assert(!source_line(&f, 7, &line) && !source_line(&f, 0, &line) && !source_line(&f, -1, &line));
	ck_assert(!source_line(&f, INT32_MAX, &line) && !source_line(&none, 1, &line));
	file_end(&f);
	file_end(&none);
}
END_TEST

static bool contradicts(const char *text, char *name, int32_t first)
{
	struct source_file f = file_of(text, strlen(text));
	struct py_code code = { .name = name, .name_len = strlen(name), .first_line = first };
	bool does = source_contradicts(&f, &code);

	file_end(&f);
	return does;
}

START_TEST(what_speaks_against_a_file)
{
	ck_assert(!contradicts("\ndef f():\n", "f", 2) && !contradicts("class C:\n", "C", 1));
	ck_assert(!contradicts("@d\ndef f():\n", "f", 1) && !contradicts("x = lambda: 1\n", "<lambda>", 1));
	ck_assert(!contradicts("type T = g()\n", "T", 1) && !contradicts("", "<module>", 1));
	ck_assert(contradicts("def f():\n", "g", 1) && contradicts("def ff():\n", "f", 1));
	ck_assert(contradicts("def f():\n", "f", 2) && contradicts("x = 1\n", "<lambda>", 1));
	ck_assert(contradicts("f()\n", "f", 1));
}
END_TEST

/* --- zips --- */

#ifdef WITH_MINIZIP
enum { CENTRAL = 46, STORED = 0, DEFLATED = 8 };

/* Of a zip with one member. */
struct member {
	const char *name, *bytes;
	uint32_t n, told; /* bytes, and what its headers say */
	uint16_t method;
	uint32_t crc;
};

static void put(struct strbuf *b, uint64_t value, unsigned n)
{
	for (; n > 0; n--, value >>= 8)
		strbuf_char(b, (char)(value & 0xff));
}

static uint32_t crc_of(const char *bytes, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned char)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* What both headers have. */
static void put_fields(struct strbuf *b, const struct member *m)
{
	put(b, 20, 2);
	put(b, 0, 2);
	put(b, m->method, 2);
	put(b, 0, 4);
	put(b, m->crc, 4);
	put(b, m->n, 4);
	put(b, m->told, 4);
	put(b, strlen(m->name), 2);
	put(b, 0, 2);
}

static void draw(struct strbuf *b, const struct member *m)
{
	size_t central;

	put(b, 0x04034b50, 4);
	put_fields(b, m);
	strbuf_str(b, m->name);
	strbuf_add(b, m->bytes, m->n);
	central = b->n;
	put(b, 0x02014b50, 4);
	put(b, 20, 2);
	put_fields(b, m);
	put(b, 0, 14);
	strbuf_str(b, m->name);
	put(b, 0x06054b50, 4);
	put(b, 0, 4);
	put(b, 1, 2);
	put(b, 1, 2);
	put(b, CENTRAL + strlen(m->name), 4);
	put(b, central, 4);
	put(b, 0, 2);
	ck_assert(!b->failed);
}

static int unzip(const char *bytes, size_t n, const char *name, size_t most, struct strbuf *out)
{
	int fd = memfd_create("zip", MFD_CLOEXEC), error;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	error = source_unzip(fd, name, most, out);
	ck_assert_uint_le(out->n, most);
	(void)close(fd);
	return error;
}

static void expect_unzipped(const struct member *m, const char *name, size_t most, int error, const char *is)
{
	struct strbuf zip = STRBUF_EMPTY, out = STRBUF_EMPTY;

	draw(&zip, m);
	ck_assert_int_eq(unzip(zip.at, zip.n, name, most, &out), error);
	if (error == 0)
		ck_assert_str_eq(strbuf_text(&out), is);
	strbuf_free(&zip);
	strbuf_free(&out);
}

static const char whole[] = "def f(): pass\n";

static struct member stored(void)
{
	struct member m = { "p/m.py", whole, sizeof(whole) - 1, sizeof(whole) - 1, STORED, 0 };

	m.crc = crc_of(m.bytes, m.n);
	return m;
}

START_TEST(member_of_a_zip)
{
	struct member m = stored();

	expect_unzipped(&m, "p/m.py", 100, 0, whole);
	expect_unzipped(&m, "p/m.py", sizeof(whole) - 1, 0, whole);
	expect_unzipped(&m, "p/m.py", sizeof(whole) - 2, EFBIG, NULL);
	expect_unzipped(&m, "p/M.py", 100, ENOENT, NULL);
	expect_unzipped(&m, "m.py", 100, ENOENT, NULL);
	expect_unzipped(&m, "", 100, ENOENT, NULL);
}
END_TEST

/* Headers that lie, and data that no compressor makes. */
START_TEST(hostile_members)
{
	struct member m = stored();
	/* Deflated: a stored block that is cut off; a code of no block. */
	static const char block[] = "\1\377\377\0\0ab", none[] = "\7\0\0";

	m.crc ^= 1;
	expect_unzipped(&m, "p/m.py", 100, EILSEQ, NULL);
	m = stored();
	m.told = UINT32_MAX - 1;
	expect_unzipped(&m, "p/m.py", 100, EILSEQ, NULL);
	m = (struct member){ "p/m.py", block, sizeof(block) - 1, 65535, DEFLATED, 0 };
	expect_unzipped(&m, "p/m.py", 100000, EILSEQ, NULL);
	m = (struct member){ "p/m.py", none, sizeof(none) - 1, 100, DEFLATED, 0 };
	expect_unzipped(&m, "p/m.py", 100, EILSEQ, NULL);
	m = stored();
	m.method = 99;
	expect_unzipped(&m, "p/m.py", 100, EILSEQ, NULL);
}
END_TEST

/* A damaged zip yields the member as it was, or an error. */
START_TEST(damaged_zips)
{
	struct strbuf zip = STRBUF_EMPTY;
	struct member m = stored();

	draw(&zip, &m);
	for (size_t i = 0; i < zip.n; i++) {
		static const unsigned char masks[] = { 0x01, 0x80, 0xff };

		for (size_t k = 0; k < sizeof(masks); k++) {
			struct strbuf out = STRBUF_EMPTY;

			zip.at[i] = (char)(zip.at[i] ^ masks[k]);
			if (unzip(zip.at, zip.n, "p/m.py", 1000, &out) == 0)
				ck_assert_str_eq(strbuf_text(&out), whole);
			zip.at[i] = (char)(zip.at[i] ^ masks[k]);
			strbuf_free(&out);
		}
	}
	for (size_t n = 0; n < zip.n; n++) {
		struct strbuf out = STRBUF_EMPTY;

		/* The length of a comment may be missing. */
		if (unzip(zip.at, n, "p/m.py", 1000, &out) == 0)
			ck_assert_str_eq(strbuf_text(&out), whole);
		strbuf_free(&out);
	}
	strbuf_free(&zip);
}
END_TEST
#endif

int main(void)
{
	const TTest *const tests[] = {
		utf_8_by_many_names,
		latin_1_by_many_names,
		where_an_encoding_is_told,
		unknown_encodings,
		lines_end_in_three_ways,
		what_speaks_against_a_file,
#ifdef WITH_MINIZIP
		member_of_a_zip,
		hostile_members,
		damaged_zips,
#endif
	};

	return run_suite("py_source", tests, sizeof(tests) / sizeof(tests[0]));
}
