/* Edit distances and the choice of near names. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe_near.h"
#include "support/run_suite.h"

START_TEST(distances)
{
	ck_assert_uint_eq(probe_near_distance("", ""), 0);
	ck_assert_uint_eq(probe_near_distance("rmdir", "rmdir"), 0);
	ck_assert_uint_eq(probe_near_distance("", "abc"), 3);
	ck_assert_uint_eq(probe_near_distance("abc", ""), 3);
	ck_assert_uint_eq(probe_near_distance("rmdr", "rmdir"), 1);
	ck_assert_uint_eq(probe_near_distance("rmdirr", "rmdir"), 1);
	ck_assert_uint_eq(probe_near_distance("rmdix", "rmdir"), 1);
	ck_assert_uint_eq(probe_near_distance("rdmir", "rmdir"), 1);
	ck_assert_uint_eq(probe_near_distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(probe_near_distance("ca", "abc"), 3); /* no exchange across an insertion */
	ck_assert_uint_eq(probe_near_distance("abcdef", "badcfe"), 3);
}
END_TEST

START_TEST(long_names_are_cut)
{
	char a[1001], b[1001];

	memset(a, 'a', 1000);
	memset(b, 'b', 1000);
	a[1000] = b[1000] = '\0';
	ck_assert_uint_eq(probe_near_distance(a, b), PROBE_NEAR_MAX);
	ck_assert_uint_eq(probe_near_distance(a, ""), PROBE_NEAR_MAX);
	b[0] = 'a';
	ck_assert_uint_eq(probe_near_distance(b, a), PROBE_NEAR_MAX - 1);
}
END_TEST

static void check_near(const char *wrong, const char *const *names, size_t n, const char *want)
{
	struct probe_near near;
	struct strbuf b = STRBUF_EMPTY;

	probe_near_start(&near, wrong);
	for (size_t i = 0; i < n; i++)
		probe_near_add(&near, names[i]);
	probe_near_ask(&near, &b);
	ck_assert_str_eq(strbuf_text(&b), want);
	strbuf_free(&b);
}

START_TEST(the_nearest_three)
{
	const char *const names[] = { "open", "openat", "openat2", "write", "pread64", "close", "opens" };

	check_near("opent", names, 7, "; is it open, openat or opens?");
	check_near("openat2x", names, 7, "; is it openat2 or openat?");
	check_near("wriet", names, 7, "; is it write?");
	check_near("pread", names, 7, "; is it pread64?"); /* contains it */
	check_near("enat", names, 7, "; is it openat or openat2?");
	check_near("at", names, 7, ""); /* many names contain two letters */
	check_near("getpid", names, 7, "");
	check_near("pthread_create", (const char *const[]){ "timer_create" }, 1, "");
	check_near("", names, 7, "");
	check_near("clsoe", (const char *const[]){ "close", "close", "close" }, 3, "; is it close?");
	check_near("openat", names, 2, "; is it openat?"); /* two changes from open */
}
END_TEST

START_TEST(names_are_escaped)
{
	const char *const names[] = { "a\nb" };

	check_near("aab", names, 1, "; is it a\\x0ab?");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { distances, long_names_are_cut, the_nearest_three, names_are_escaped };

	return run_suite("probe_near", tests, sizeof(tests) / sizeof(tests[0]));
}
