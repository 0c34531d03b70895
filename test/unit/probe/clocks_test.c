/* What is said of clocks that did not tick as they should. */
#include <check.h>
#include <string.h>

#include "probe/probe_clocks.h"
#include "support/run_suite.h"

/* The words, "" if there are none. */
static const char *said(uint64_t due, uint64_t came, unsigned processors, unsigned online)
{
	static struct fault f;
	const struct probe_clocks clocks = { due, came, processors, online };

	f = (struct fault){ 0 };
	return probe_clocks_check(&clocks, &f) == RES_OK ? "" : f.text;
}

START_TEST(slowed_down)
{
	ck_assert_str_eq(said(1000, 900, 2, 2), "");
	ck_assert_str_eq(said(99, 0, 2, 2), "");
	ck_assert_ptr_nonnull(strstr(said(1000, 250, 2, 2), "250 times, not 1000"));
}
END_TEST

START_TEST(further_processors)
{
	ck_assert_ptr_nonnull(strstr(said(1000, 1000, 2, 3), "1 of 3 processors"));
	ck_assert_str_eq(said(1000, 1000, 3, 2), "");
	ck_assert_str_eq(said(0, 0, 0, 2), ""); /* no clock was asked for */
}
END_TEST

START_TEST(refused)
{
	struct fault f = { 0 };

	ck_assert_int_eq(probe_clocks_refused(997, &f), RES_FAIL);
	ck_assert_ptr_nonnull(strstr(f.text, "997 Hz"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { slowed_down, further_processors, refused };

	return run_suite("clocks", tests, sizeof(tests) / sizeof(tests[0]));
}
