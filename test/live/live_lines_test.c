/* Line tables of random functions, read by lib/python and by the interpreter that compiled them
 * (random_lines.py): each offset must have the same line, and since 3.11 the same columns.
 *
 * PYSTACK_LINES="SEED N", which `make check-lines` sets, has other functions. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/objects/py_lines.h"
#include "python/objects/py_positions.h"
#include "support/live.h"

enum { PLACE = 6 };

struct made {
	char kind[16];
	int32_t first;
	uint8_t *bytes;
	size_t n;
};

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* "code KIND FIRST TABLE" */
static void take_code(const char *line, struct made *out)
{
	const char *hex = strrchr(line, ' ') + 1;

	ck_assert_int_eq(sscanf(line, "code %15s %d", out->kind, &out->first), 2);
	free(out->bytes);
	out->n = strlen(hex) / 2;
	out->bytes = malloc(out->n + 1);
	ck_assert_ptr_nonnull(out->bytes);
	for (size_t i = 0; i < out->n; i++)
		out->bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
}

static int32_t line_of(const struct made *code, uint64_t at)
{
	const struct span table = span_of(code->bytes, code->n);

	if (strcmp(code->kind, "locations") == 0)
		return py_line_locations(table, code->first, at);
	if (strcmp(code->kind, "ranges") == 0)
		return py_line_ranges(table, code->first, at);
	return py_line_lnotab(table, code->first, at, strcmp(code->kind, "signed") == 0);
}

/* place: FROM TO LINE END COLUMN END_COLUMN. Columns that the table does not have are -1. */
static void compare_position(const struct made *code, uint64_t at, const long *place)
{
	struct py_position p = { 0, 0, -1, -1 };
	const bool whole = place[4] >= 0 && place[5] >= 0;

	ck_assert_int_eq(
	    py_position_locations(span_of(code->bytes, code->n), code->first, at, &p), place[2] > 0);
	if (place[2] <= 0)
		return;
	ck_assert_int_eq(p.line, place[2]);
	ck_assert_int_eq(p.end_line, place[3]);
	ck_assert_int_eq(p.column, whole ? place[4] : -1);
	ck_assert_int_eq(p.end_column, whole ? place[5] : -1);
}

static void compare(const struct made *code, const char *line)
{
	long place[PLACE];
	const int n = sscanf(line, "%ld %ld %ld %ld %ld %ld", &place[0], &place[1], &place[2], &place[3],
	    &place[4], &place[5]);

	ck_assert_msg(n == 3 || n == PLACE, "%s", line);
	for (long at = place[0]; at < place[1]; at++) {
		const int32_t want = place[2] < 0 ? code->first : (int32_t)place[2];

		ck_assert_msg(line_of(code, (uint64_t)at) == want, "offset %ld: line %d, not %d", at,
		    line_of(code, (uint64_t)at), want);
		if (n == PLACE)
			compare_position(code, (uint64_t)at, place);
	}
}

/* Cuts text into lines. */
static void compare_all(const char *label, char *text)
{
	struct made code = { .bytes = NULL };
	size_t codes = 0, said = 0;
	char *more;

	for (const char *line = strtok_r(text, "\n", &more); line != NULL;
	     line = strtok_r(NULL, "\n", &more)) {
		if (strncmp(line, "code ", 5) == 0) {
			take_code(line, &code);
			codes++;
		} else if (sscanf(line, "end %zu", &said) != 1) {
			compare(&code, line);
		}
	}
	free(code.bytes);
	ck_assert_uint_gt(codes, 0);
	ck_assert_uint_eq(codes, said);
	(void)printf("%s: the lines of %zu code objects agree\n", label, codes);
}

START_TEST(agree)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	const char *chosen = getenv("PYSTACK_LINES");
	char script[PATH_MAX], here[PATH_MAX], seed[32] = "1", n[32] = "8";
	struct run r;

	if (chosen != NULL)
		ck_assert_int_eq(sscanf(chosen, "%31s %31s", seed, n), 2);
	(void)snprintf(here, sizeof(here), "%s/random_lines.py", spawn_programs());
	fixture_path(in, here, script, sizeof(script));
	r = run_program(
	    &(struct run_options){ .in = in, .own = true, .timeout = 600 }, ARGS(in->path, script, seed, n));
	ck_assert_msg(r.status == 0, "%s: %s", in->label, r.err);
	compare_all(in->label, r.out);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live_lines");
	TCase *c = tcase_create("live");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(c, 900);
	tcase_add_loop_test(c, agree, 0, (int)n);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
