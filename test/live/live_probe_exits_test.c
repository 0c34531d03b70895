/* --at: threads that exit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json_lines.h"
#include "support/live.h"
#include "support/observer.h"

static const char probe[] = "tracepoint:sched:sched_switch";

/* A thread that ends leaves its processor without memory, for the last time. It is counted all the
 * same. */
START_TEST(exiting_threads)
{
	static const char remark[] = "(exits: its stack is gone)\n";
	struct fixture f;
	struct observer o;
	struct run r;
	const char *at;
	char pid[16];

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@probed_states.py", "exits"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (!observer_start(&o, ARGS("pystack", "-v", "-c", "--at", probe, pid))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		fixture_end(&f);
		return;
	}
	fixture_echo(&f);
	r = observer_end(&o);
	at = strstr(r.out, remark);
	ck_assert_msg(at != NULL && strtol(at + strlen(remark), NULL, 10) >= 25, "%s%s", r.out, r.err);
	ck_assert_msg(strstr(r.err, "were not") == NULL && strstr(r.err, "was not") == NULL, "%s", r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* Of events without Python frames -p prints no frames; it does not take them for lost ones. */
START_TEST(without_python_frames)
{
	struct fixture f;
	struct observer o;
	struct run r;
	char pid[16];

	if (!json_lines_collected())
		return;
	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@probed_states.py", "exits"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (!observer_start(&o, ARGS("pystack", "-v", "-p", "-o", "json", "--at", probe, pid))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		fixture_end(&f);
		return;
	}
	fixture_echo(&f);
	r = observer_end(&o);
	json_lines_add(r.out);
	ck_assert_msg(strstr(r.out, "\"frames\":[]") != NULL, "%.1000s%.1000s", r.out, r.err);
	ck_assert_msg(strstr(r.err, "out of memory") == NULL, "%.1000s", r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("threads that exit at a probe");
	TCase *c = tcase_create("exits");

	tcase_set_timeout(c, 120);
	if (live_speaks(live_interpreters(NULL))) {
		tcase_add_test(c, exiting_threads);
		tcase_add_test(c, without_python_frames);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
