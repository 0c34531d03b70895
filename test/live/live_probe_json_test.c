/* --at -o json: a line for each event, for each stack that is counted, and the last one. Compared with
 * the text of events, and validated (support/json_lines.h). */
#include <stdio.h>
#include <string.h>

#include "support/json_lines.h"
#include "support/live.h"
#include "support/observer.h"

static long occurrences(const char *text, const char *part)
{
	long n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

/* Run `program` under pystack -o json with these arguments and the program's pid. False: it cannot
 * be observed, and a message was printed. The caller frees *r. */
static bool observe(const char *program, struct run *r, const char *const args[])
{
	const char *all[24] = { "pystack", "-v", "-o", "json" };
	size_t n = 4;
	struct fixture f;
	struct observer o;
	char pid[16];
	bool ok;

	fixture_start(
	    &f, live_interpreters(NULL), &(struct fixture_options){ .alone = true }, ARGS(program, "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (size_t i = 0; args[i] != NULL; i++)
		all[n++] = args[i];
	all[n] = pid;
	ok = observer_start(&o, all);
	if (ok) {
		fixture_echo(&f);
		*r = observer_end(&o);
		json_lines_add(r->out);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	fixture_end(&f);
	return ok;
}

static void check_part(const struct run *r, const char *part, long want)
{
	ck_assert_msg(occurrences(r->out, part) == want, "%ld of %s in %s%s", want, part, r->out, r->err);
}

static void check_end(struct run *r, bool complete)
{
	check_part(r, "\"type\":\"end\"", 1);
	check_part(r, complete ? "\"complete\":true}\n" : "\"complete\":false}\n", 1);
	ck_assert_int_eq(r->status, complete ? 0 : 1);
	run_free(r);
}

START_TEST(events_of_static_probes)
{
	struct run r;

	if (!json_lines_collected() ||
	    !observe("@probed_output.py", &r,
		ARGS("--at", "python:gc-start", "--at", "python:import-find-load-start")))
		return;
	check_part(&r,
	    "\"event\":\"python:gc-start(1)\",\"probe\":\"python:gc-start\",\"arguments\":[{\"word\":\"0x1\"",
	    2);
	check_part(&r,
	    "\"event\":\"python:import-start(\\\"absent_module_3\\\")\",\"probe\":\"python:import-start\","
	    "\"arguments\":[{\"text\":\"absent_module_3\"",
	    1);
	check_part(&r, "\"type\":\"event\",\"time\":1", occurrences(r.out, "\"type\":\"event\""));
	check_part(
	    &r, "\"frames\":[{\"kind\":\"native\",\"module\":\"/", occurrences(r.out, "\"type\":\"event\""));
	check_end(&r, true);
}
END_TEST

START_TEST(events_of_system_calls)
{
	struct run r;

	if (!json_lines_collected() ||
	    !observe("@probed.py", &r, ARGS("--at", "syscall:rmdir:return", "-N", "1")))
		return;
	check_part(&r, "\"system_call\":\"rmdir\",\"arguments\":[{\"name\":\"path\",\"text\":\"", 1);
	check_part(&r, "\"result\":{\"number\":-2,\"error\":\"ENOENT\"},\"frames\":[{\"kind\":\"native\"", 1);
	check_end(&r, true);
}
END_TEST

START_TEST(counts)
{
	struct run r;

	if (!json_lines_collected() || !observe("@probed.py", &r, ARGS("--at", "syscall:rmdir", "-c")))
		return;
	check_part(&r, "\"type\":\"event\"", 0);
	check_part(&r, "\"probe\":\"syscall:rmdir\",\"frames\":[{", occurrences(r.out, "\"type\":\"stack\""));
	ck_assert_int_gt(occurrences(r.out, "\"type\":\"stack\",\"count\":"), 0);
	check_end(&r, true);
}
END_TEST

START_TEST(counts_of_intervals)
{
	struct run r;

	if (!json_lines_collected() ||
	    !observe("@probed.py", &r, ARGS("--at", "syscall:rmdir", "-c", "--every", "1h")))
		return;
	check_part(&r, "\"type\":\"interval\",\"time\":1", 1);
	ck_assert_int_gt(occurrences(r.out, "\"type\":\"stack\",\"count\":"), 0);
	check_end(&r, true);
}
END_TEST

static Suite *suite(void)
{
	const TTest *tests[] = { events_of_static_probes, events_of_system_calls, counts,
		counts_of_intervals };
	Suite *s = suite_create("probes as JSON");
	TCase *c = tcase_create("json");

	tcase_set_timeout(c, 120);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
