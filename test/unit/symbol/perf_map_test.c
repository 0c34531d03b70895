/* Perf maps: good ones, and whatever else a file may contain. */
#include "symbol/perf_map.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/run_suite.h"
#include "support/self_process.h"
#include "symbol/symbolize.h"

static void expect(const struct perf_map *m, uint64_t at, const char *name, uint64_t start)
{
	const struct perf_line *line = perf_map_at(m, at);

	if (name == NULL) {
		ck_assert_ptr_null(line);
		return;
	}
	ck_assert_ptr_nonnull(line);
	ck_assert_uint_eq(line->name_n, strlen(name));
	ck_assert_int_eq(memcmp(line->name, name, line->name_n), 0);
	ck_assert_uint_eq(line->start, start);
}

START_TEST(lines)
{
	static const char text[] = "7f0000001000 20 py::f:/a b.py\n"
				   "0x7f0000002000 0x10 g\n"
				   "\n7f 1\n zz 10 no\n10 zz no\n10 10 \n1234567890abcdef0 10 no\n"
				   "fffffffffffffff0 ffffffffffffffff h\n"
				   "40 10 a\0b\n"
				   "7f0000001010 8 again\n"
				   "7f0000003000 10 unfinished";
	struct perf_map m = { .tried = false };

	perf_map_parse(&m, text, sizeof(text) - 1);
	ck_assert_uint_eq(m.lines.n, 4);
	expect(&m, 0x7f0000001000, "py::f:/a b.py", 0x7f0000001000);
	expect(&m, 0x7f000000100f, "py::f:/a b.py", 0x7f0000001000);
	expect(&m, 0x7f0000001010, "again", 0x7f0000001010);
	expect(&m, 0x7f0000001018, "py::f:/a b.py", 0x7f0000001000);
	expect(&m, 0x7f0000001020, NULL, 0);
	expect(&m, 0x7f000000200f, "g", 0x7f0000002000);
	expect(&m, 0x7f0000003000, NULL, 0);
	expect(&m, 0xffffffffffffffff, "h", 0xfffffffffffffff0);
	expect(&m, 0x45, NULL, 0);
	perf_map_free(&m);
	expect(&m, 0x7f0000001000, NULL, 0);
}
END_TEST

/* Names longer than one may be are no names. */
START_TEST(long_names)
{
	size_t n = 2 * PERF_NAME_MAX;
	char *text = malloc(n);
	struct perf_map m = { .tried = false };

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', n);
	memcpy(text, "10 10 ", 6);
	text[6 + PERF_NAME_MAX + 1] = '\n';
	perf_map_parse(&m, text, n);
	ck_assert_uint_eq(m.lines.n, 0);
	text[6 + PERF_NAME_MAX] = '\n';
	perf_map_parse(&m, text, n);
	ck_assert_uint_eq(m.lines.n, 1);
	perf_map_free(&m);
	free(text);
}
END_TEST

/* Without its last lines a file would give old names. */
START_TEST(many_lines)
{
	static const char line[] = "10 10 old\n", last[] = "10 10 new\n";
	const size_t each = sizeof(line) - 1, most = each * PERF_LINES_MAX;
	char *text = malloc(most + each);
	struct perf_map m = { .tried = false };

	ck_assert_ptr_nonnull(text);
	for (size_t at = 0; at < most; at += each)
		memcpy(text + at, line, each);
	memcpy(text + most, last, each);
	perf_map_parse(&m, text, most);
	ck_assert_uint_eq(m.lines.n, PERF_LINES_MAX);
	expect(&m, 0x10, "old", 0x10);
	perf_map_free(&m);
	perf_map_parse(&m, text, most + each);
	expect(&m, 0x10, NULL, 0);
	perf_map_free(&m);
	free(text);
}
END_TEST

/* This process, code of which is in no file: the name that its file has for it, or words of the
 * reason why it has none (NULL: there is no file). */
static void name_code(const char *path, const char *want, const char *why)
{
	const struct symbol_lack *lack;
	struct self_process self;
	void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ps_prochandle *P;
	struct symbolizer *s;
	struct symbol_query query = { .pc = (uintptr_t)code + 0x20, .exact = true };
	const struct symbol_name *out;
	struct fault f;
	FILE *file;

	ck_assert_ptr_ne(code, MAP_FAILED);
	if (path != NULL) {
		file = fopen(path, "w");
		ck_assert_ptr_nonnull(file);
		(void)fprintf(file, "%lx 1000 made[0] here\n", (unsigned long)(uintptr_t)code);
		ck_assert_int_eq(fclose(file), 0);
		if (want == NULL) {
			const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

			ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
		}
	}
	ck_assert(self_process(&self, NULL, NULL));
	P = fake_grab(&self.fake);
	s = symbolizer_create(P);
	ck_assert(P != NULL && s != NULL);
	ck_assert_int_eq(symbolizer_names(s, &query, 1, &out, &f), RES_OK);
	if (want != NULL) {
		ck_assert_ptr_nonnull(out->symbol);
		ck_assert_str_eq(out->symbol, want);
		ck_assert_uint_eq(out->offset, 0x20);
		ck_assert_str_eq(out->object, "JIT");
	} else {
		ck_assert(out->symbol == NULL && out->object == NULL);
	}
	lack = symbolizer_lack(s, 0);
	ck_assert_int_eq(lack != NULL, why != NULL);
	if (why != NULL) {
		ck_assert_int_eq(lack->code, LACK_PERF_MAP);
		ck_assert_msg(strstr(lack->why.text, why) != NULL, "%s", lack->why.text);
		ck_assert_ptr_null(symbolizer_lack(s, 1));
	}
	symbolizer_destroy(s);
	Prelease(P, 0);
	(void)munmap(code, 4096);
}

START_TEST(own_file)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	(void)unlink(path);
	name_code(NULL, NULL, NULL);
	name_code(path, "made[0] here", NULL);
	/* Of an earlier process. */
	name_code(path, NULL, "older than the process");
	(void)unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	name_code(NULL, NULL, "cannot be opened");
	(void)unlink(path);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { lines, long_names, many_lines, own_file };

	return run_suite("symbol/perf_map", tests, sizeof(tests) / sizeof(tests[0]));
}
