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

static const char *const times[] = { "1ns", "100us", "500us", "1ms", "2ms", "4ms" };

/* What is left out is said at its place and in a message, and the status is 1. */
START_TEST(no_more_time)
{
	const struct interpreter *in = &live_interpreters(NULL)[0];
	struct fixture f;
	char pid[16], limit[32];
	struct run r;

	(void)snprintf(limit, sizeof(limit), "--timeout=%s", times[_i]);
	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@spin.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL(limit, "-l", pid);
	if (strstr(r.err, " was over; left out were ") != NULL)
		ck_assert_msg(r.status == 1, "exit %d, %s", r.status, r.err);
	else
		ck_assert_msg(r.status == 0, "exit %d, %s", r.status, r.err);
	ck_assert_msg(
	    _i != 0 || (r.status == 1 && strstr(r.out, "the time was over)") != NULL), "%s%s", r.out, r.err);
	ck_assert_msg(_i != 0 || strstr(r.err, "the time of 1e-06 ms") != NULL, "%s", r.err);
	if (r.status == 0)
		ck_assert_msg(strstr(r.out, "time was over") == NULL, "%s", r.out);
	/* Each of its three threads. */
	for (int n = 0; n < 3; n++) {
		const char *at = r.out;

		for (int k = 0; k <= n && at != NULL; k++)
			at = strstr(at + 1, "thread# ");
		ck_assert_msg(at != NULL, "%s%s", r.out, r.err);
	}
	run_free(&r);
	ck_assert(!any_traced(f.pid));
	fixture_end(&f);
}
END_TEST

/* Each sample has its own time. */
START_TEST(no_more_time_for_a_sample)
{
	const struct interpreter *in = &live_interpreters(NULL)[0];
	struct fixture f;
	char pid[16];
	struct run r;

	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@spin.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("-i1ms", "-N3", "--no-bpf", "--timeout=1ns", pid);
	ck_assert_int_eq(r.status, 2);
	ck_assert_msg(
	    strstr(r.err, "3 of 3 samples failed, the last: the time for a sample was over") != NULL, "%s",
	    r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("bounds");
	TCase *c = tcase_create("bounds");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, stops_are_short, 0, sizeof(limits) / sizeof(limits[0]));
	tcase_add_loop_test(c, no_more_time, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_test(c, no_more_time_for_a_sample);
	tcase_add_test(c, all_together_without_a_stop);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
