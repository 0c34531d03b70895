/* The processes that are observed, and which of them need a target of their own. */
#include <check.h>

#include "probe/probe_processes.h"
#include "support/run_suite.h"

enum { A = PROBE_TARGET_FIRST, B, C }; /* all targets */

static struct probe_processes x;

static void take(uint32_t number, uint32_t target, uint32_t from, uint32_t how)
{
	struct probe_process p = { .observed = 1,
		.target = target,
		.number = number,
		.from = from,
		.how = how,
		.pid = 100 + number };

	ck_assert(probe_processes_take(&x, &p));
}

static void begin(void)
{
	x = (struct probe_processes){ .targets = PROBE_TARGET_FIRST + 3 };
}

static void end(void)
{
	probe_processes_free(&x);
}

/* A child has its parent's target until one of them gets another. */
START_TEST(children_share)
{
	take(0, A, 0, PROBE_PROCESS_ADDED);
	ck_assert(!probe_processes_shares(&x, A, 0));
	take(1, A, 0, PROBE_PROCESS_FORKED);
	ck_assert(probe_processes_shares(&x, A, 0));
	ck_assert(probe_processes_shares(&x, A, 1));
	probe_processes_find(&x, 1)->target = B;
	ck_assert(!probe_processes_shares(&x, A, 0));
	ck_assert_uint_eq(probe_processes_free_target(&x, UINT32_MAX), C);
}
END_TEST

/* A target is free again when its last process has ended. */
START_TEST(targets_are_used_again)
{
	take(0, A, 0, PROBE_PROCESS_ADDED);
	take(1, B, 1, PROBE_PROCESS_ADDED);
	take(2, C, 2, PROBE_PROCESS_ADDED);
	take(3, B, 1, PROBE_PROCESS_FORKED);
	ck_assert_uint_eq(probe_processes_free_target(&x, UINT32_MAX), PROBE_TARGET_BARE);
	probe_processes_end(&x, 1);
	ck_assert_uint_eq(probe_processes_free_target(&x, UINT32_MAX), PROBE_TARGET_BARE);
	probe_processes_end(&x, 3);
	ck_assert_uint_eq(probe_processes_free_target(&x, UINT32_MAX), B);
	probe_processes_end(&x, 3);
	ck_assert_uint_eq(x.living.n, 2);
}
END_TEST

/* What executes another program is another process: the one before has no target any more. */
START_TEST(programs_have_numbers)
{
	take(0, A, 0, PROBE_PROCESS_ADDED);
	take(7, PROBE_TARGET_BARE, 0, PROBE_PROCESS_EXECED);
	take(7, C, 0, PROBE_PROCESS_EXECED); /* told twice */
	ck_assert_uint_eq(x.at.n, 2);
	ck_assert_uint_eq(probe_processes_find(&x, 7)->target, PROBE_TARGET_BARE);
	ck_assert_ptr_null(probe_processes_find(&x, 6));
	ck_assert_uint_eq(probe_processes_free_target(&x, UINT32_MAX), A);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("processes");
	TCase *tcase = tcase_create("processes");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, children_share);
	tcase_add_test(tcase, targets_are_used_again);
	tcase_add_test(tcase, programs_have_numbers);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
