/* Bounds: how long a target is stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/live.h"

/* The state of each thread of pid, and whether one is held by a tracer. */
static bool any_traced(pid_t pid)
{
	char command[160];

	(void)snprintf(
	    command, sizeof(command), "grep -q '^State:.*tracing' /proc/%d/task/*/status", (int)pid);
	return system(command) == 0;
}

/* Times that are over at once, and those that allow a part. */
static const char *const limits[] = { "0", "1ns", "1us", "20us", "1ms" };

/* Every thread has its header; one that is not read whole says so, and the status is 1. */
START_TEST(stops_are_short)
{
	enum { TIMES = 5 };
	const struct interpreter *in = &live_interpreters(NULL)[0];
	struct fixture f;
	char pid[16], limit[32];

	(void)snprintf(limit, sizeof(limit), "--max-hold=%s", limits[_i]);
	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@spin.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (int i = 0; i < TIMES; i++) {
		struct run r = TOOL(limit, pid);
		const char *spinning = strstr(r.out, "(p_spin) ]");
		const char *why =
		    strstr(r.out, _i == 0 ? "(running, and --max-hold 0 was given" : "a stop lasts ");

		ck_assert_msg(r.status == 0 || r.status == 1, "exit %d, %s", r.status, r.err);
		ck_assert_msg(spinning != NULL || why != NULL, "%s%s", r.out, r.err);
		ck_assert_msg(r.status == 1 || (spinning != NULL && why == NULL), "%s%s", r.out, r.err);
		ck_assert_msg(_i != 0 || r.status == 1, "%s", r.out);
		ck_assert_msg(strstr(r.out, "(p_wait) ]") != NULL, "%s%s", r.out, r.err);
		ck_assert(!any_traced(f.pid));
		run_free(&r);
	}
	fixture_end(&f);
}
END_TEST

/* A picture of one instant needs a stop. */
START_TEST(all_together_without_a_stop)
{
	struct run r = TOOL("--stop", "--max-hold", "0", "1");

	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "--stop does not go with --max-hold 0"));
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("bounds");
	TCase *c = tcase_create("bounds");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, stops_are_short, 0, sizeof(limits) / sizeof(limits[0]));
	tcase_add_test(c, all_together_without_a_stop);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
