/* Dumps for perf: good ones, and whatever else a file may contain. */
#include "symbol/jit_dump.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "support/run_suite.h"

enum { PID = 4711 };

static void put(struct strbuf *b, uint64_t value, size_t n)
{
	strbuf_add(b, (const char *)&value, n);
}

static void put_header(struct strbuf *b, uint32_t magic, uint32_t size, uint32_t pid)
{
	const uint32_t words[] = { magic, 1, size, 62, 0, pid };

	strbuf_add(b, (const char *)words, sizeof(words));
	put(b, 0, 8);
	put(b, 0, 8);
}

static void put_load(struct strbuf *b, uint64_t at, uint64_t size, uint64_t number, const char *name)
{
	size_t n = strlen(name) + 1;

	put(b, 0, 4);
	put(b, 16 + 40 + n + 2, 4);
	put(b, 0, 8);
	put(b, PID, 8);
	put(b, at, 8);
	put(b, at, 8);
	put(b, size, 8);
	put(b, number, 8);
	strbuf_add(b, name, n);
	strbuf_add(b, "\x90\xc3", 2);
}

static void put_move(struct strbuf *b, uint64_t to, uint64_t size, uint64_t number)
{
	put(b, 1, 4);
	put(b, 16 + 48, 4);
	put(b, 0, 8);
	put(b, PID, 8);
	put(b, 0, 8);
	put(b, 0, 8);
	put(b, to, 8);
	put(b, size, 8);
	put(b, number, 8);
}

static enum res parse(struct perf_map *m, const struct strbuf *b, size_t n, struct fault *f)
{
	return jit_dump_parse(m, strbuf_text(b), n, PID, f);
}

static void expect(const struct perf_map *m, uint64_t at, const char *name)
{
	const struct perf_line *line = perf_map_at(m, at);

	ck_assert_int_eq(line != NULL, name != NULL);
	ck_assert(
	    name == NULL || (line->name_n == strlen(name) && memcmp(line->name, name, line->name_n) == 0));
}

static void make(struct strbuf *b)
{
	put_header(b, 0x4a695444, 48, PID);
	put(b, 0, 8);
	put_load(b, 0x1000, 0x10, 1, "first");
	put_load(b, 0x2000, 0x10, 2, "second");
	put_move(b, 0x3000, 0x10, 1);
	put_move(b, 0x4000, 0x10, 99);
	put_load(b, 0x2000, 0x8, 3, "again");
}

START_TEST(functions)
{
	struct perf_map m = { .tried = false };
	struct strbuf b = STRBUF_EMPTY;
	struct fault f;

	make(&b);
	ck_assert_int_eq(parse(&m, &b, b.n, &f), RES_OK);
	expect(&m, 0x100f, "first");
	expect(&m, 0x1010, NULL);
	expect(&m, 0x2007, "again");
	expect(&m, 0x2008, "second");
	expect(&m, 0x3001, "first");
	expect(&m, 0x4000, NULL);
	perf_map_free(&m);
	/* One that is being written. */
	for (size_t n = 0; n < b.n; n++) {
		ck_assert_int_eq(parse(&m, &b, n, &f), RES_OK);
		expect(&m, 0x2007, n < 48 + 64 + 65 ? NULL : "second");
		perf_map_free(&m);
	}
	strbuf_free(&b);
}
END_TEST

START_TEST(others)
{
	static const struct {
		uint32_t magic, size, pid;
	} headers[] = { { 0x4454694a, 40, PID }, { 0x4a695444, 39, PID }, { 0x4a695444, 1 << 20, PID },
		{ 0x4a695444, 40, PID + 1 } };
	struct perf_map m = { .tried = false };
	struct fault f;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct strbuf b = STRBUF_EMPTY;

		put_header(&b, headers[i].magic, headers[i].size, headers[i].pid);
		put_load(&b, 0x1000, 0x10, 1, "first");
		ck_assert_int_eq(parse(&m, &b, b.n, &f), RES_FAIL);
		expect(&m, 0x1000, NULL);
		perf_map_free(&m);
		strbuf_free(&b);
	}
}
END_TEST

/* Each byte damaged: names may be wrong, but nothing is read outside (the sanitizers see it). */
START_TEST(damaged)
{
	struct strbuf b = STRBUF_EMPTY;
	struct perf_map m = { .tried = false };
	struct fault f;
	char *copy;

	make(&b);
	for (size_t i = 0; i < b.n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			copy = malloc(b.n);
			ck_assert_ptr_nonnull(copy);
			memcpy(copy, strbuf_text(&b), b.n);
			copy[i] = (char)(copy[i] ^ 1 << bit);
			if (jit_dump_parse(&m, copy, b.n, PID, &f) == RES_OK)
				(void)perf_map_at(&m, 0x1000);
			perf_map_free(&m);
			free(copy);
		}
	}
	strbuf_free(&b);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { functions, others, damaged };

	return run_suite("symbol/jit_dump", tests, sizeof(tests) / sizeof(tests[0]));
}
