/* --at off-cpu: who holds the GIL while a thread waits for it. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json_lines.h"
#include "support/live.h"
#include "support/observer.h"
#include "support/spawn_files.h"

/* Run the fixture under pystack, and set *keeping and *wanting to its threads. False: it cannot be
 * observed, and a message was printed. The caller frees *r. */
static bool observe(const struct interpreter *in, const char *how, const char *const args[], struct run *r,
    long *keeping, long *wanting)
{
	const char *all[16] = { "pystack", "-v", "--at", "off-cpu" };
	struct fixture f;
	struct observer o;
	char pid[16], *truth, *end;
	size_t n = 4;
	bool ok;

	fixture_start(
	    &f, in, &(struct fixture_options){ .alone = true }, ARGS("@probed_gil_held.py", "%", how));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (size_t i = 0; args[i] != NULL; i++)
		all[n++] = args[i];
	all[n] = pid;
	ok = observer_start(&o, all);
	if (ok) {
		fixture_echo(&f);
		*r = observer_end(&o);
		truth = truth_text(f.dir);
		*keeping = strtol(truth, &end, 10);
		*wanting = strtol(end, NULL, 10);
		ck_assert_int_gt(*keeping, 0);
		ck_assert_int_gt(*wanting, 0);
		free(truth);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	fixture_end(&f);
	return ok;
}

/* The sum of the counts of stacks with all three texts. */
static long sum_of(const char *text, const char *a, const char *b, const char *c)
{
	char *copy = strdup(text), *rest = copy, *block;
	long sum = 0;

	ck_assert_ptr_nonnull(copy);
	if (text[0] != '\0')
		copy[strlen(copy) - 1] = '\0';
	while ((block = rest) != NULL) {
		char *last;

		rest = strstr(block + 1, "\n\n");
		if (rest != NULL)
			*rest++ = '\0';
		last = strrchr(block, '\n');
		if (last != NULL && strstr(block, a) != NULL && strstr(block, b) != NULL &&
		    strstr(block, c) != NULL)
			sum += strtol(last, NULL, 10);
	}
	free(copy);
	return sum;
}

/* Does pystack know where the GIL of each interpreter of this version is? Up to 3.6 that takes
 * symbols. */
static bool knows_gil(const struct interpreter *in)
{
	return in->major > 3 || (in->major == 3 && in->minor >= 7);
}

/* A thread keeps the GIL for half a second in all. Of the time that another waits for it most is that
 * thread's, none the other's own. */
static void expect_holder(const struct interpreter *in, const char *how)
{
	const char in_wanting[] = " (wanting) ]\n", waits[] = "(waits for the GIL", held[] = " held by ";
	char keeps[64], wants[64];
	long keeping, wanting, all, by;
	struct run r;

	if (!observe(in, how, ARGS("-c"), &r, &keeping, &wanting))
		return;
	(void)snprintf(keeps, sizeof(keeps), "              (waits for the GIL held by %ld)\n", keeping);
	(void)snprintf(wants, sizeof(wants), " held by %ld)\n", wanting);
	all = sum_of(r.out, in_wanting, waits, "");
	by = sum_of(r.out, in_wanting, keeps, "");
	if (all == 0 && !knows_gil(in)) {
		(void)printf("SKIP: %s: its symbols do not tell where the GIL is\n", in->label);
		run_free(&r);
		return;
	}
	ck_assert_msg(by >= 100000 && by > all / 2, "%s, %s: %ld of %ld us\n%s%s", in->label, how, by, all,
	    r.out, r.err);
	ck_assert_int_eq(sum_of(r.out, in_wanting, wants, ""), 0);
	ck_assert_int_eq(sum_of(r.out, " (keeping) ]\n", held, keeps + 14), 0);
	run_free(&r);
}

START_TEST(held_asleep)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];

	if (live_speaks(in))
		expect_holder(in, "asleep");
}
END_TEST

START_TEST(held_computing)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];

	if (live_speaks(in))
		expect_holder(in, "computing");
}
END_TEST

/* Each wait as it comes, and as JSON. */
START_TEST(each_wait)
{
	const struct interpreter *in = live_interpreters(NULL);
	char keeps[64];
	long keeping, wanting;
	struct run r;

	if (!observe(in, "asleep", ARGS("-p"), &r, &keeping, &wanting))
		return;
	(void)snprintf(keeps, sizeof(keeps), "(waits for the GIL held by %ld)\n                [ ", keeping);
	ck_assert_msg(strstr(r.out, keeps) != NULL, "%s%s", r.out, r.err);
	run_free(&r);
	for (size_t i = 0; i < 2; i++) {
		if (!observe(in, "asleep", i == 0 ? ARGS("-o", "json") : ARGS("-c", "-o", "json"), &r,
			&keeping, &wanting))
			return;
		(void)snprintf(
		    keeps, sizeof(keeps), "\"waits_for_gil\":{\"what\":\"GIL\",\"held_by\":%ld}", keeping);
		ck_assert_msg(
		    strstr(r.out, keeps) != NULL || strstr(r.err, "JSON") != NULL, "%s%s", r.out, r.err);
		json_lines_add(r.out);
		run_free(&r);
	}
}
END_TEST

/* The holder is the first thread of a program that was executed under observation. */
START_TEST(first_thread_of_command)
{
	const struct interpreter *in = live_interpreters(NULL);
	char program[PATH_MAX], truth[PATH_MAX], keeps[64], *text, *end;
	struct observer o;
	struct run r;

	(void)snprintf(program, sizeof(program), "%s/probed_gil_main.py", spawn_programs());
	(void)snprintf(truth, sizeof(truth), "%s/truth", spawn_folder());
	if (!observer_start(
		&o, ARGS("pystack", "-v", "-c", "--at", "off-cpu", "--", in->path, program, truth))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		return;
	}
	r = observer_wait(&o);
	text = truth_text(spawn_folder());
	(void)snprintf(keeps, sizeof(keeps), "(waits for the GIL held by %ld)\n", strtol(text, &end, 10));
	ck_assert_msg(sum_of(r.out, " (wanting) ]\n", keeps, "") >= 100000, "%s%s", r.out, r.err);
	(void)snprintf(keeps, sizeof(keeps), " held by %ld)\n", strtol(end, NULL, 10));
	ck_assert_int_eq(sum_of(r.out, " (wanting) ]\n", keeps, ""), 0);
	free(text);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("holders of the GIL");
	TCase *c = tcase_create("holders of the GIL");
	size_t n;

	tcase_set_timeout(c, 120);
	(void)live_interpreters(&n);
	tcase_add_loop_test(c, held_asleep, 0, (int)n);
	tcase_add_loop_test(c, held_computing, 0, (int)n);
	if (n > 0 && live_speaks(live_interpreters(NULL)) && knows_gil(live_interpreters(NULL))) {
		tcase_add_test(c, each_wait);
		tcase_add_test(c, first_thread_of_command);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
