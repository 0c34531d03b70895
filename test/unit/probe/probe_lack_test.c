/* What is said of a system on which BPF programs cannot be loaded. */
#include "probe/probe_lack.h"

#include <errno.h>
#include <string.h>

#include "support/run_suite.h"

START_TEST(locked_down)
{
	ck_assert(probe_lack_locked("none integrity [confidentiality]\n"));
	ck_assert(!probe_lack_locked("none [integrity] confidentiality\n"));
	ck_assert(!probe_lack_locked("[none] integrity confidentiality\n"));
	ck_assert(!probe_lack_locked(""));
}
END_TEST

START_TEST(old)
{
	static const char *const olds[] = { "5.16.20", "5.4.0-150-generic", "4.19.0-26-amd64", "2.6.78" };
	static const char *const news[] = { "5.17.0", "5.17", "6.1.0-18-amd64", "10.0", "unknown" };

	for (size_t i = 0; i < sizeof(olds) / sizeof(olds[0]); i++)
		ck_assert_msg(probe_lack_old(olds[i]), "%s", olds[i]);
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++)
		ck_assert_msg(!probe_lack_old(news[i]), "%s", news[i]);
}
END_TEST

/* One line, whatever it is. */
START_TEST(always_says_something)
{
	static const int errors[] = { EPERM, ENOSYS, EACCES, EINVAL, E2BIG, ENOMEM, 0 };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct fault f = { 0 };

		ck_assert_int_eq(probe_lack(&f, errors[i]), RES_FAIL);
		ck_assert_uint_gt(strlen(f.text), 10);
		ck_assert_ptr_null(strchr(f.text, '\n'));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lack");
	TCase *tcase = tcase_create("lack");

	tcase_add_test(tcase, locked_down);
	tcase_add_test(tcase, old);
	tcase_add_test(tcase, always_says_something);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
