/* Conditions that are refused, and at which character. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe_when.h"
#include "support/run_suite.h"
#include "unit/probe/when_args.h"

static const struct probe_when_names at_entry = { arg_at, NULL, NULL };

static struct probe_when when;
static struct probe_when_values values;

static void check_refused(const char *text, const char *want)
{
	static struct probe_when untouched;
	struct fault f = { 0 };

	memset(&when, 0x5a, sizeof(when));
	untouched = when;
	ck_assert_msg(probe_when_parse(text, &at_entry, &when, &f) == RES_FAIL, "%s", text);
	ck_assert_str_eq(f.text, want);
	ck_assert(memcmp(&untouched, &when, sizeof(when)) == 0);
}

START_TEST(errors_say_where_and_what)
{
	check_refused("", "character 1: expected the name of an argument, found the end");
	check_refused("fd = 3", "character 4: expected ==, !=, <, <=, >, >= or &, found =");
	check_refused("fd == \"x\"", "character 7: expected a number, found \"x\"");
	check_refused("path == 5", "character 9: expected a text in double quotes, found 5");
	check_refused("path == '5'", "character 9: expected a text in double quotes, found '5'");
	check_refused("path < \"5\"", "character 6: path is a text: expected ==, !=, ~ or !~");
	check_refused("fd ~ \"5\"", "character 4: fd is a number: expected ==, !=, <, <=, >, >= or &");
	check_refused("3 == fd", "character 1: expected the name of an argument, found 3");
	check_refused("fd == 1 and fd == 2", "character 9: expected && or ||, found and");
	check_refused("fd == 1 )", "character 9: expected && or ||, found )");
	check_refused("(fd == 1", "character 9: expected &&, || or ), found the end");
	check_refused("!fd == 1", "character 2: expected ( after !, found fd");
	check_refused("!(int8)fd == 1", "character 2: expected ( after !, found (int8");
	check_refused("fd == 1 &&", "character 11: expected the name of an argument, found the end");
	check_refused("\x1b[2J", "character 1: expected the name of an argument, found \\x1b[2J");
}
END_TEST

START_TEST(names_get_the_nearest_ones)
{
	check_refused("fdd == 1", "character 1: expected an argument of the probe, found fdd; is it fd?");
	check_refused("siez>1", "character 1: expected an argument of the probe, found siez; is it size?");
	check_refused(
	    "args.mod == 1", "character 1: expected an argument of the probe, found args.mod; is it mode?");
	check_refused("fd==1 || nothing == 1",
	    "character 10: expected an argument of the probe, found nothing; "
	    "it has fd, path, size, flags, pid, byte, arg6, mode");
	check_refused("arg8 == 1", "character 1: expected an argument of the probe, found arg8; "
				   "it has fd, path, size, flags, pid, byte, arg6, mode");
	check_refused("pid == 1",
	    "character 1: pid is also the name of an argument: write args.pid for it, or task.pid");
	check_refused("retval == 1", "character 1: retval is known at a return only (…:return, uretprobe:)");
}
END_TEST

START_TEST(numbers_that_cannot_be_are_refused)
{
	check_refused("fd == 2147483648",
	    "character 7: expected a number from -2147483648 to 2147483647, found 2147483648");
	check_refused("fd < 0xffffffff",
	    "character 6: expected a number from -2147483648 to 2147483647, found 0xffffffff");
	check_refused("byte == 256", "character 9: expected a number from 0 to 255, found 256");
	check_refused(
	    "size == -1", "character 9: expected a number from 0 to 18446744073709551615, found -1");
	check_refused("size == 18446744073709551616",
	    "character 9: expected a number of 64 bits, found 18446744073709551616");
	check_refused(
	    "size == 17179869184G", "character 9: expected a number of 64 bits, found 17179869184G");
	check_refused("fd == 08", "character 7: expected a number, found 08");
	check_refused("fd == 0x", "character 7: expected a number, found 0x");
	check_refused("fd == 1.5", "character 7: expected a number, found 1.5");
	check_refused("fd == 4KB", "character 7: expected a number, found 4KB");
	check_refused("fd == --1", "character 7: expected a number, found --1");
	check_refused("fd & 0", "character 6: expected a number with a bit to test, found 0");
	check_refused("arg6 == -1", "character 1: it is unknown how wide arg6 is: write (int32)arg6 or "
				    "(int64)arg6 to compare with a number below 0");
	check_refused("str(fd) == \"\"", "character 5: fd is not the address of a text");
	check_refused("(int8)comm == 1", "character 7: comm is a text, not a number");
}
END_TEST

START_TEST(texts_that_cannot_match_are_refused)
{
	char long_text[200] = "path == \"";

	check_refused("path ~ \"a*b\"", "character 10: an asterisk can be at the start and at the end of a "
					"pattern only; \\* is a character");
	check_refused("path ~ \"***\"", "character 10: an asterisk can be at the start and at the end of a "
					"pattern only; \\* is a character");
	check_refused("path == \"/var/*\"",
	    "character 15: == and != compare with the asterisk itself: write ~ "
	    "or !~ for a pattern, else \\*");
	check_refused("path ~ \"abc", "character 12: expected the \" that ends the text of character 8");
	check_refused("path ~ \"abc\\", "character 13: expected one of \" \\ * n t r x or octal digits after "
					"the backslash, found the end");
	check_refused("path == \"\\x00\"",
	    "character 11: expected a byte from 1 to 255 (a text ends at its NUL), found x00");
	check_refused("path == \"\\777\"",
	    "character 11: expected a byte from 1 to 255 (a text ends at its NUL), found 777");
	check_refused("comm == \"0123456789abcdef\"",
	    "character 9: the kernel keeps 15 bytes of a thread's name: 16 cannot match");
	memset(long_text + 9, 'a', PROBE_WHEN_PATTERN + 1);
	strcat(long_text, "\"");
	check_refused(long_text, "character 138: a text has at most 128 bytes; a pattern can be shorter");
}
END_TEST

START_TEST(sizes_are_bounded)
{
	static char text[100000];
	struct fault f;

	check_refused("fd==1||fd==1||fd==1||fd==1||fd==1||fd==1||fd==1||fd==1|| fd==1",
	    "character 58: a condition has at most 8 comparisons");
	memset(text, '(', sizeof(text) - 1);
	check_refused(text, "character 4097: a condition has at most 4096 bytes");
	text[PROBE_WHEN_LENGTH] = '\0';
	check_refused(text, "character 33: more than 32 parentheses are open");
	memset(text, '!', PROBE_WHEN_LENGTH);
	check_refused(text, "character 4097: expected ( after !, found the end");
	memset(text, '1', PROBE_WHEN_LENGTH);
	memcpy(text, "fd == ", 6);
	check_refused(text, "character 7: expected a number of 64 bits, found 111111111111111111111111");
	memset(text, 'a', PROBE_WHEN_LENGTH);
	ck_assert(probe_when_parse(text, &at_entry, &when, &f) == RES_FAIL);
	for (unsigned i = 0; i < 32; i++) {
		text[i] = '(';
		text[38 + i] = ')';
	}
	memcpy(text + 32, "fd== 1", 6);
	text[70] = '\0';
	ck_assert(probe_when_parse(text, &at_entry, &when, &f) == RES_OK);
}
END_TEST

/* Parse a condition in memory of its own length. It is compiled, and can be evaluated, or the fault
 * names a character of it, or its end. */
static bool check_any(const char *condition)
{
	const size_t n = strlen(condition);
	char *text = malloc(n + 1), *rest;
	struct fault f = { 0 };
	enum res res;

	ck_assert_ptr_nonnull(text);
	memcpy(text, condition, n + 1);
	res = probe_when_parse(text, &at_entry, &when, &f);
	if (res == RES_OK) {
		memset(&values, 0xff, sizeof(values));
		ck_assert_uint_le(probe_when_eval(&when, &values), PROBE_WHEN_UNKNOWN);
		ck_assert_uint_ge(when.n, 1);
		ck_assert_uint_le(when.n, PROBE_WHEN_LIMIT);
		ck_assert_uint_le(when.n_text, when.n);
	} else {
		ck_assert_int_eq(strncmp(f.text, "character ", 10), 0);
		unsigned long at = strtoul(f.text + 10, &rest, 10);

		ck_assert_msg(at >= 1 && at <= n + 1 && *rest == ':', "%s: %s", text, f.text);
	}
	free(text);
	return res == RES_OK;
}

/* Conditions with a byte replaced, removed or doubled. */
START_TEST(damaged_conditions_do_no_harm)
{
	static const char *const texts[] = {
		"fd == 11 && size > 4096 || !(path ~ \"*a\\x41\\101\\*\")",
		"(int32)arg6 == -1 && str(arg6) !~ \"/v/*\" || args.pid<0xffK",
		"((comm == \"a\") || !!((func != \"b\" && file ~ \"*c*\")) || flags & 0x7fffffff)",
	};
	static const char bytes[] = "\"\\*()!&|<=>~-09aKxX. \n_.\x01\x80\xff";

	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		const size_t n = strlen(texts[t]);

		for (size_t i = 0; i < n * sizeof(bytes) * 3; i++) {
			const size_t at = i % n, byte = i / n % sizeof(bytes), how = i / n / sizeof(bytes);
			char damaged[128];

			memcpy(damaged, texts[t], at);
			damaged[at] = bytes[byte];
			strcpy(damaged + at + (how != 1), texts[t] + at + (how != 2));
			(void)check_any(damaged);
		}
	}
}
END_TEST

/* Random rows of tokens, half of them chosen so that a comparison or a condition can come out. */
START_TEST(rows_of_tokens_do_no_harm)
{
	static const char *const tokens[] = { "fd", "path", "size", "arg6", "comm", "pid", "args.pid", "arg6",
		"(int8)", "(uint64)", "str(", ")", "(", "(", ")", "!", "&&", "||", "==", "!=", "<=", "<", ">",
		"&", "~", "!~", "0", "1", "-1", "077", "0xff", "4K", "99999999999999999999", "\"\"", "\"a*\"",
		"\"*\"", "\"\\", "\"", "=", "str", "int8", "." };
	static const char *const parts[] = { "fd == 1", "path ~ \"*a\"", "arg6 & 4", "!(", "(", ")", "&&",
		"||", "&&", "||", ")" };
	const size_t n_tokens = sizeof(tokens) / sizeof(tokens[0]),
		     n_parts = sizeof(parts) / sizeof(parts[0]);
	uint32_t random = 1, parsed = 0;

	for (unsigned k = 0; k < 40000; k++) {
		char text[512] = "";
		unsigned n;

		random = random * 1664525 + 1013904223;
		n = 1 + (random >> 16) % 16;
		for (unsigned i = 0; i < n; i++) {
			random = random * 1664525 + 1013904223;
			strcat(text,
			    k % 2 == 0 ? tokens[(random >> 8) % n_tokens] : parts[(random >> 8) % n_parts]);
			strcat(text, random >> 30 == 0 ? "" : " ");
		}
		parsed += check_any(text);
	}
	ck_assert_uint_gt(parsed, 200);
}
END_TEST

/* A probe that names nothing, and one with an argument that is no number. */
START_TEST(probes_without_arguments)
{
	static const struct probe_when_names none = { NULL, NULL, NULL };
	struct fault f = { 0 };

	ck_assert(probe_when_parse("pid == 1 && comm == \"a\"", &none, &when, &f) == RES_OK);
	ck_assert(probe_when_parse("arg0 == 1", &none, &when, &f) == RES_FAIL);
	ck_assert_str_eq(f.text, "character 1: expected an argument of the probe, found arg0; it has none");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { errors_say_where_and_what, names_get_the_nearest_ones,
		numbers_that_cannot_be_are_refused, texts_that_cannot_match_are_refused, sizes_are_bounded,
		damaged_conditions_do_no_harm, rows_of_tokens_do_no_harm, probes_without_arguments };

	return run_suite("probe_when_refused", tests, sizeof(tests) / sizeof(tests[0]));
}
