/* Colours of finished lines. */
#include "report/text_color.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/text.h"
#include "support/run_suite.h"

#define PYTHON_INDENT TEXT_INDENT "  "

static char *write_lines(const char *text, size_t n, bool color)
{
	char *out = NULL;
	size_t got = 0;
	FILE *to = open_memstream(&out, &got);

	ck_assert_ptr_nonnull(to);
	text_write(text, n, color, to);
	ck_assert_int_eq(fclose(to), 0);
	ck_assert_uint_eq(strlen(out), got);
	return out;
}

/* Whatever the lines are, without their colours they are what is written without colours. */
static char *expect_same(const char *text, size_t n)
{
	char *colored = write_lines(text, n, true), *plain = write_lines(text, n, false);
	struct strbuf back = STRBUF_EMPTY;

	text_uncolored(colored, strlen(colored), &back);
	ck_assert_str_eq(strbuf_text(&back), plain);
	strbuf_free(&back);
	free(plain);
	return colored;
}

static const struct line {
	const char *text, *want;
} lines[] = {
	{ "4711:\t/usr/bin/python3 app.py", "\033[1;34m4711:\t/usr/bin/python3 app.py\033[0m" },
	{ "core 'a' of 4711:\tapp", "\033[1;34mcore 'a' of 4711:\tapp\033[0m" },
	{ "---- thread# 1 / lwp# 1 [a-b] ----", "---- \033[1;34mthread# 1 / lwp# 1 [a-b]\033[0m ----" },
	{ "---- asyncio task \"a\" ? ----",
	    "---- \033[1;34masyncio task \"a\" \033[0m\033[31m?\033[0m ----" },
	{ "----", "----" },
	{ TEXT_INDENT "(in poll)", TEXT_INDENT "(\033[33min poll\033[0m)" },
	{ TEXT_INDENT "(collecting garbage ?; daemon)",
	    TEXT_INDENT "(\033[33mcollecting garbage \033[0m\033[31m?\033[0m\033[33m; daemon\033[0m)" },
	{ TEXT_INDENT "()", TEXT_INDENT "()" },
	{ TEXT_INDENT "libc.so.6`poll+0x1f", TEXT_INDENT "libc.so.6`poll+0x1f" },
	{ PYTHON_INDENT "[ app.py:12 (loop) ]", PYTHON_INDENT "[ \033[1mapp.py:12 (loop)\033[0m ]" },
	{ PYTHON_INDENT "[ app.py:12 (loop) ] ?",
	    PYTHON_INDENT "[ \033[1mapp.py:12 (loop)\033[0m ] \033[31m?\033[0m" },
	{ PYTHON_INDENT "[ app.py:12 (lo", PYTHON_INDENT "[ \033[1mapp.py:12 (lo\033[0m" },
	{ PYTHON_INDENT "[ ]", PYTHON_INDENT "[ ]" },
	{ PYTHON_INDENT "[ ", PYTHON_INDENT "[ " },
	{ PYTHON_INDENT "    job = '[ x ] ?'", PYTHON_INDENT "    job = '[ x ] ?'" },
	{ "               42", "               42" },
	{ "deadlock: 1 waits for the GIL", "\033[1;31mdeadlock: 1 waits for the GIL\033[0m" },
	{ "* task \"log\" ?", "* task \"log\" \033[31m?\033[0m" },
	{ "|- task \"a ?\"", "|- task \"a ?\"" },
	{ "", "" },
};
enum { N_LINES = sizeof(lines) / sizeof(lines[0]) };

START_TEST(each_line)
{
	for (size_t i = 0; i < N_LINES; i++) {
		char *colored = expect_same(lines[i].text, strlen(lines[i].text));

		ck_assert_str_eq(colored, lines[i].want);
		free(colored);
	}
}
END_TEST

/* Lines together, and cut at any place. */
START_TEST(cut_lines)
{
	struct strbuf all = STRBUF_EMPTY;

	for (size_t i = 0; i < N_LINES; i++)
		strbuf_fmt(&all, "%s\n", lines[i].text);
	for (size_t n = 0; n <= all.n; n++)
		free(expect_same(strbuf_text(&all), n));
	strbuf_free(&all);
}
END_TEST

START_TEST(other_sequences)
{
	static const char text[] = "\033[01;31m\033[Ka\033[m\033[K\033[2Jb\033[38:5:1mc\033[1\033]0;d\a\033";
	struct strbuf out = STRBUF_EMPTY;

	text_uncolored(text, strlen(text), &out);
	ck_assert_str_eq(strbuf_text(&out), "a\033[2Jbc\033[1\033]0;d\a\033");
	strbuf_free(&out);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { each_line, cut_lines, other_sequences };

	return run_suite("report/text_color", tests, sizeof(tests) / sizeof(tests[0]));
}
