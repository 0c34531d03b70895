/* Comments of C files that Cython has made. */
#include "symbol/cython_lines.h"

#include <string.h>

#include "support/run_suite.h"

static const char text[] = "int x;\n"                      /* 1 */
			   "/* \"a.pyx\":3\n"              /* 2 */
			   " * def f():\n"                 /* 3 */
			   " */\n"                         /* 4 */
			   "static int f(void)\n"          /* 5 */
			   "    /* \"p/b.pxi\":12\n"       /* 6 */
			   " */ y = 1;\n"                  /* 7 */
			   "/* \"a.pyx\":x\n"              /* 8 */
			   "/* \"a.pyx\":4 */\n"           /* 9 */
			   "/* \"\":5\n"                   /* 10 */
			   "/* \"a.pyx\":\n"               /* 11 */
			   "/* \"a.pyx\":99999999999999\n" /* 12 */
			   "/* \"a.pyx\n"                  /* 13 */
			   "/* \"a.pyx\":9\n"              /* 14 */
			   "/* \"a.pyx\":8";               /* 15: not a whole line */

START_TEST(comments)
{
	static const struct {
		uint32_t at, line;
		const char *source;
	} want[] = { { 1, 0, NULL }, { 2, 3, "a.pyx" }, { 5, 3, "a.pyx" }, { 6, 12, "p/b.pxi" },
		{ 13, 12, "p/b.pxi" }, { 14, 9, "a.pyx" }, { 15, 9, "a.pyx" }, { 1000, 9, "a.pyx" } };
	struct cython_tables tables = VEC_EMPTY;

	ck_assert(vec_push(&tables, (struct cython_table){ .path = NULL }));
	cython_table_parse(&tables.at[0], text, sizeof(text) - 1);
	ck_assert_uint_eq(tables.at[0].lines.n, 3);
	ck_assert_uint_eq(tables.at[0].sources.n, 2);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct cython_line *line = cython_table_at(&tables.at[0], want[i].at);

		ck_assert_int_eq(line != NULL, want[i].source != NULL);
		if (line != NULL) {
			ck_assert_uint_eq(line->line, want[i].line);
			ck_assert_str_eq(line->source, want[i].source);
		}
	}
	cython_tables_free(&tables);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { comments };

	return run_suite("symbol/cython_lines", tests, 1);
}
