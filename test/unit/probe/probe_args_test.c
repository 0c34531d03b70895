/* System calls as text. */
#include <check.h>
#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe_args.h"
#include "support/run_suite.h"

static struct probe_syscall call;

static const uint64_t zeros[PROBE_ARGS];

static void choose(bool is_32bit, const char *name)
{
	ck_assert(probe_syscall_by_name(arch_of_host(is_32bit), name, &call));
}

static void check_call(const uint64_t *raw, const struct probe_string *strings, const char *want)
{
	struct strbuf b = STRBUF_EMPTY;

	probe_args_render(&b, &call, raw, strings);
	ck_assert_str_eq(strbuf_text(&b), want);
	strbuf_free(&b);
}

static void check_path(const char *bytes, size_t n, bool cut, const char *want)
{
	const struct probe_string strings[PROBE_ARGS] = { { bytes, n, cut } };
	const uint64_t raw[PROBE_ARGS] = { 0x1000 };

	choose(false, "rmdir");
	check_call(raw, strings, want);
}

static void check_return(uint64_t raw, const char *want)
{
	struct strbuf b = STRBUF_EMPTY;

	probe_return_render(&b, &call, raw);
	ck_assert_str_eq(strbuf_text(&b), want);
	strbuf_free(&b);
}

START_TEST(numbers_and_addresses)
{
	const uint64_t write_args[PROBE_ARGS] = { 3, 0x7f0000001000, 512 };
	const uint64_t mkdir_args[PROBE_ARGS] = { 0x1000, 0755 };
	const uint64_t mmap_args[PROBE_ARGS] = { 0, 4096, 3, 0x22, 0xffffffff, 0 };
	const uint64_t lseek_args[PROBE_ARGS] = { 3, (uint64_t)-5, 1 };

	choose(false, "write");
	check_call(write_args, NULL, "write(3, 0x7f0000001000, 512)");
	choose(false, "mkdir");
	check_call(mkdir_args, NULL, "mkdir(0x1000, 0755)");
	choose(false, "mmap");
	check_call(mmap_args, NULL, "mmap(NULL, 4096, 0x3, 0x22, -1, 0)");
	choose(false, "lseek");
	check_call(lseek_args, NULL, "lseek(3, -5, 1)");
	choose(false, "getpid");
	check_call(zeros, NULL, "getpid()");
}
END_TEST

START_TEST(strings_in_place_of_addresses)
{
	const struct probe_string strings[PROBE_ARGS] = { [1] = { "/etc/x", 6, false } };
	const struct probe_string second[PROBE_ARGS] = { [1] = { "/b", 2, false } };
	const uint64_t raw[PROBE_ARGS] = { 0xffffff9c, 0x7f0000002000, 0x80000 };
	const uint64_t two[PROBE_ARGS] = { 0x1000, 0x2000 };
	const uint64_t at[PROBE_ARGS] = { 7, 0x1000 };

	choose(false, "openat");
	check_call(raw, strings, "openat(AT_FDCWD, \"/etc/x\", 0x80000)");
	check_call(raw, NULL, "openat(AT_FDCWD, 0x7f0000002000, 0x80000)");
	choose(false, "rename");
	check_call(two, second, "rename(0x1000, \"/b\")");
	choose(false, "mkdirat");
	check_call(at, strings, "mkdirat(7, \"/etc/x\", 0)");
	choose(false, "rmdir");
	check_call(zeros, NULL, "rmdir(NULL)");
}
END_TEST

START_TEST(the_mode_of_new_files_only)
{
	const uint64_t reads[PROBE_ARGS] = { 0x1000, O_DIRECTORY, 0755 };
	const uint64_t creates[PROBE_ARGS] = { 0x1000, O_CREAT | O_WRONLY, 0644 };
	const uint64_t unnamed[PROBE_ARGS] = { 0x1000, O_TMPFILE | O_RDWR, 0600 };

	choose(false, "open");
	check_call(reads, NULL, "open(0x1000, 0x10000)");
	check_call(creates, NULL, "open(0x1000, 0x41, 0644)");
	check_call(unnamed, NULL, "open(0x1000, 0x410002, 0600)");
}
END_TEST

START_TEST(words_of_4_bytes)
{
	const uint64_t raw[PROBE_ARGS] = { 0xffffff9c, 0xffffd000, 0, 0 };
	const uint64_t dirty[PROBE_ARGS] = { 0xdead00000003, 0xdead0000fffe, 0xdead00000200 };

	choose(true, "openat");
	check_call(raw, NULL, "openat(AT_FDCWD, 0xffffd000, 0)");
	choose(true, "write");
	check_call(dirty, NULL, "write(3, 0xfffe, 512)");
	check_return(0xfffffffe, "= -1 ENOENT");
	check_return(0x7fffffff, "= 2147483647");
	choose(true, "mmap2");
	check_return(0xf7fc0000, "= 0xf7fc0000");
	check_return(0xfffffff4, "= -1 ENOMEM");
}
END_TEST

START_TEST(hostile_strings)
{
	char longer[600];

	check_path("/tmp/x", 6, false, "rmdir(\"/tmp/x\")");
	check_path("", 0, false, "rmdir(\"\")");
	check_path("", 0, true, "rmdir(\"\"...)");
	check_path("a\"b\"", 4, false, "rmdir(\"a\\\"b\\\"\")");
	check_path("\"", 1, false, "rmdir(\"\\\"\")");
	check_path("a\\\"", 3, false, "rmdir(\"a\\\\\\\"\")");
	check_path("a\nb\x1b[2J\xff", 8, false, "rmdir(\"a\\x0ab\\x1b[2J\\xff\")");
	/* The first NUL ends it, so nothing is missing. */
	check_path("ab\0cd", 5, true, "rmdir(\"ab\")");
	check_path("abc", 3, true, "rmdir(\"abc\"...)");
	memset(longer, 'a', sizeof(longer));
	for (int cut = 0; cut < 2; cut++) {
		char want[300] = "rmdir(\"";

		memset(want + 7, 'a', PROBE_STRING_MAX);
		(void)strcpy(want + 7 + PROBE_STRING_MAX, "\"...)");
		check_path(longer, sizeof(longer), cut == 1, want);
		check_path(longer, PROBE_STRING_MAX, true, want);
		(void)strcpy(want + 7 + PROBE_STRING_MAX, "\")");
		check_path(longer, PROBE_STRING_MAX, false, want);
	}
}
END_TEST

START_TEST(unknown_calls)
{
	const uint64_t raw[PROBE_ARGS] = { 1, (uint64_t)-1, 0, 4, 5, 6 };

	ck_assert(!probe_syscall_by_number(arch_of_host(false), 4711, &call));
	check_call(raw, NULL, "syscall(4711, 0x1, 0xffffffffffffffff, 0, 0x4, 0x5, 0x6)");
	check_return(0, "= 0");
	ck_assert(probe_syscall_by_name(arch_of_host(false), "security", &call));
	check_call(zeros, NULL, "security(0, 0, 0, 0, 0, 0)");
}
END_TEST

START_TEST(results)
{
	choose(false, "read");
	check_return(0, "= 0");
	check_return(512, "= 512");
	check_return((uint64_t)-ENOENT, "= -1 ENOENT");
	check_return((uint64_t)-EHWPOISON, "= -1 EHWPOISON");
	check_return((uint64_t)-512, "= ? ERESTARTSYS");
	check_return((uint64_t)-516, "= ? ERESTART_RESTARTBLOCK");
	check_return((uint64_t)-ERESTART, "= -1 ERESTART");
	check_return((uint64_t)-524, "= -1 ENOTSUPP");
	check_return((uint64_t)-4000, "= -4000");
	check_return((uint64_t)-4096, "= -4096");
	check_return((uint64_t)INT64_MIN, "= -9223372036854775808");
	choose(false, "mmap");
	check_return(0x7f0000001000, "= 0x7f0000001000");
	check_return((uint64_t)-12, "= -1 ENOMEM");
	check_return((uint64_t)-4096, "= 0xfffffffffffff000");
}
END_TEST

/* Every number that the C library knows has the C library's name. */
START_TEST(names_of_errors)
{
	ck_assert_ptr_null(probe_errno_name(0));
	ck_assert_ptr_null(probe_errno_name(4000));
	for (unsigned i = 1; i < 512; i++) {
		const char *name = probe_errno_name(i);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
		const char *want = strerrorname_np((int)i);

		ck_assert_msg((name == NULL) == (want == NULL), "%u", i);
		if (want != NULL)
			ck_assert_str_eq(name, want);
#else
		ck_assert(i > 40 || i == 41 || name != NULL);
#endif
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { numbers_and_addresses, strings_in_place_of_addresses,
		the_mode_of_new_files_only, words_of_4_bytes, hostile_strings, unknown_calls, results,
		names_of_errors };

	return run_suite("probe_args", tests, sizeof(tests) / sizeof(tests[0]));
}
