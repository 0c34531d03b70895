/* Last components of paths. */
#include <check.h>

#include "base/path.h"
#include "support/run_suite.h"

START_TEST(base_is_what_follows_the_last_slash)
{
	ck_assert_str_eq(path_base("/usr/lib/libc.so.6"), "libc.so.6");
	ck_assert_str_eq(path_base("libc.so.6"), "libc.so.6");
	ck_assert_str_eq(path_base("/libc.so.6"), "libc.so.6");
	ck_assert_str_eq(path_base("lib/"), "");
	ck_assert_str_eq(path_base(""), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/path");
	TCase *tc = tcase_create("path");

	tcase_add_test(tc, base_is_what_follows_the_last_slash);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
