/* Counting stacks: as text from standard input, of threads, and of samples. */
#include <check.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json_lines.h"
#include "support/live.h"

/* pystack ARGS with `input` as standard input must print this, and no messages. */
static void expect_counts(const char *args, const char *input, const char *want)
{
	char shell[64];
	struct run r;

	(void)snprintf(shell, sizeof(shell), "printf '%%s' \"$1\" | \"$0\" %s", args);
	r = run_program(NULL, ARGS("sh", "-c", shell, spawn_tool(), input));
	ck_assert_msg(r.status == 0 && r.err[0] == '\0', "exit %d, %s", r.status, r.err);
	ck_assert_str_eq(r.out, want);
	run_free(&r);
}

#define POLL "              libc.so.6`poll+0x1f\n"
#define LOOP "              python3.11`Eval+0x2b\n"
#define MAIN "              python3.11`main+0x5\n"

/* Output of pystack: headers, remarks and the first line separate stacks and are not counted. */
static const char pystack_text[] =
    "4711:\tpython3 app.py\n"
    "------------ thread# 1 / lwp# 1 [a] ------------\n" POLL LOOP
    "                [ /srv/a b.py:12 (loop) ]\n"
    "                [ /srv/a b.py:40 (<module>) ] ?\n" MAIN
    "------------ thread# 2 / lwp# 2 ------------\n" POLL "              (signal handler called)\n" MAIN
    "------------ thread# 3 / lwp# 3 [b] ------------\n" POLL LOOP
    "                [ /srv/a b.py:12 (loop) ]\n"
    "                [ /srv/a b.py:40 (<module>) ] ?\n" MAIN "4712:\tpython3 other.py\n" POLL MAIN;

START_TEST(of_pystack)
{
	expect_counts("-c", pystack_text,
	    "\n" POLL MAIN "                1\n"
	    "\n" POLL "              (signal handler called)\n" MAIN "                1\n"
	    "\n" POLL LOOP "                [ /srv/a b.py:12 (loop) ]\n"
	    "                [ /srv/a b.py:40 (<module>) ] ?\n" MAIN "                2\n");
	expect_counts("-c -t 1", pystack_text,
	    "\n" POLL LOOP "                [ /srv/a b.py:12 (loop) ]\n"
	    "                [ /srv/a b.py:40 (<module>) ] ?\n" MAIN "                2\n");
}
END_TEST

START_TEST(folded)
{
	expect_counts("-o folded", pystack_text,
	    "python3.11`main;libc.so.6`poll 1\n"
	    "python3.11`main;(signal handler called);libc.so.6`poll 1\n"
	    "python3.11`main;python3.11`Eval;<module> (/srv/a b.py:40) ?;loop (/srv/a "
	    "b.py:12);libc.so.6`poll 2\n");
	/* Characters with a meaning in the format are escaped, and offsets are dropped, because
	 * they would split a function in the graph. */
	expect_counts("-o folded",
	    POLL "                [ a;b.py:3 (f) ]\n\n"
		 "              libc.so.6`poll+0x20\n                [ a;b.py:3 (f) ]\n",
	    "libc.so.6`poll;f (a\\x3bb.py:3) 2\n");
	/* The last ":line (" is the frame's. The first " (" after it ends the function name, though
	 * the file may have others. */
	expect_counts("-o folded", POLL "                [ /old (1):2 (x)/a.py:3 (f\\x28:4 (g) ]\n",
	    "libc.so.6`poll;g (/old (1):2 (x)/a.py:3 (f\\x28:4) 1\n");
	expect_counts("-o folded", POLL "                [ /old (1)/a.py:3 (block (b; c)) ]\n",
	    "libc.so.6`poll;block \\x28b\\x3b c) (/old (1)/a.py:3) 1\n");
	/* A number at the end is the count, and there is one. */
	expect_counts("-o folded", "              a.out`operator 12\n              a.out`main 3\n",
	    "a.out`main 3;a.out`operator\\x2012 1\n");
	expect_counts("-o folded", "              a.out`operator 1.5+0x2\n", "a.out`operator\\x201.5 1\n");
	/* Such lines are not printed, but text can be truncated anywhere. */
	expect_counts("-o folded", POLL "                [ a:1 (]\n", "libc.so.6`poll;[ a:1 (] 1\n");
	expect_counts("-o folded", POLL "                [ a:1 ( ?\n\n" POLL, "libc.so.6`poll 2\n");
}
END_TEST

/* dtrace's table of probes and its counts; bpftrace's keys, whose frames have decimal offsets. */
START_TEST(of_tracers)
{
	expect_counts("-c",
	    "CPU     ID                    FUNCTION:NAME\n"
	    "  0    353                      rmdir:entry \n" POLL MAIN "\n"
	    "  1    353                      rmdir:entry \n" POLL MAIN "\n\n" LOOP
	    "                [ x.py:1 (f) ]\n                7\n\n" POLL MAIN "               40\n",
	    "\n" LOOP "                [ x.py:1 (f) ]\n                7\n"
	    "\n" POLL MAIN "               42\n");
	expect_counts("-c",
	    "Attaching 1 probe...\n\n"
	    "@[\n    poll+79\n    operator new(unsigned long)+25\n    0x7f0012345678\n]: 3\n"
	    "@by[\n    poll+79\n    main\n, python3]: 1000000\n\n"
	    "        7f3e8b3c7a3f poll+79 (/usr/lib/libc.so.6)\n",
	    "\n              7f3e8b3c7a3f poll+79 (/usr/lib/libc.so.6)\n                1\n"
	    "\n              poll+79\n              operator new(unsigned long)+25\n"
	    "              0x7f0012345678\n                3\n"
	    "\n              poll+79\n              main\n          1000000\n");
}
END_TEST

/* The sum of the counts of all stacks in text, or if `part` is not NULL of those that contain
 * it. */
static long total(const char *text, const char *part)
{
	char *copy = strdup(text), *rest = copy, *line;
	bool has = part == NULL;
	long all = 0;

	ck_assert_ptr_nonnull(copy);
	while ((line = strsep(&rest, "\n")) != NULL) {
		size_t blanks = strspn(line, " ");

		has = has || strstr(line, part) != NULL;
		if (line[blanks] == '\0' || line[blanks + strspn(line + blanks, "0123456789")] != '\0')
			continue;
		all += has ? strtol(line, NULL, 10) : 0;
		has = part == NULL;
	}
	free(copy);
	return all;
}

/* Each thread once, whichever stack it has. */
START_TEST(of_threads)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct truth truth;
	struct fixture f;
	struct run r;
	char pid[24];

	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	truth = truth_read(f.dir);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("-c", pid);
	ck_assert_msg(r.status == 0 && r.err[0] == '\0', "exit %d, %s", r.status, r.err);
	ck_assert_msg(total(r.out, NULL) == (long)truth.threads.n, "%zu threads, %s", truth.threads.n, r.out);
	run_free(&r);
	truth_free(&truth);
	fixture_end(&f);
}
END_TEST

static void no_failure(const struct run *r)
{
	/* A busy machine may be too slow for the interval. Then a message says so. */
	ck_assert_msg(r->status == 0 && (r->err[0] == '\0' || strstr(r->err, " skipped: ") != NULL),
	    "exit %d, %s", r->status, r->err);
}

/* The target and how it was sampled, then the stacks. */
static void check_json(const char *pid)
{
	struct run r;

	if (!json_lines_collected())
		return;
	r = TOOL("-i", "5ms", "-N", "20", "--idle", "-o", "json", pid);
	no_failure(&r);
	ck_assert_msg(strstr(r.out, "\"samples\":{\"taken\":20,\"failed\":0,") != NULL &&
			  strstr(r.out, "\"type\":\"stack\",\"count\":20,\"frames\":[{") != NULL &&
			  strstr(r.out, "\"function\":\"p_wait\"") != NULL &&
			  strstr(r.out, "\"threads\"") == NULL,
	    "%s", r.out);
	json_lines_add(r.out);
	run_free(&r);
}

/* Two threads run Python and one waits for them. By default only the running ones are counted. */
START_TEST(of_samples)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct run r;
	char pid[24];
	long n;

	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@spin.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("-i", "5ms", "-N", "20", "--no-bpf", pid);
	no_failure(&r);
	n = total(r.out, "(p_spin) ]");
	ck_assert_msg(n >= 1 && n <= 20 && total(r.out, "(p_wait) ]") == 0, "%s", r.out);
	ck_assert_msg(total(r.out, NULL) == n, "%s", r.out);
	run_free(&r);
	r = TOOL("-i", "5ms", "-N", "20", "--idle", pid);
	no_failure(&r);
	ck_assert_msg(total(r.out, "(p_wait) ]") == 20 && total(r.out, "(p_spin) ]") == 20, "%s", r.out);
	run_free(&r);
	r = TOOL("-i", "200hz", "-d", "50ms", "--no-bpf", "-o", "folded", pid);
	no_failure(&r);
	ck_assert_msg(strstr(r.out, ";p_spin (") != NULL, "%s", r.out);
	run_free(&r);
	check_json(pid);
	/* After ^C the samples so far are printed. */
	r = run_program(NULL, ARGS("timeout", "-s", "INT", "8", spawn_tool(), "-i", "10ms", "--idle", pid));
	ck_assert_msg(
	    r.status == 124 && total(r.out, "(p_wait) ]") >= 1, "exit %d, %s%s", r.status, r.out, r.err);
	run_free(&r);
	fixture_echo(&f);
	fixture_end(&f);
}
END_TEST

/* Is each of n samples of the spinning program counted with its Python frame? */
static bool is_counted(const char *out, long n)
{
	long found = total(out, "(p_spin) ]");

#ifdef __SANITIZE_ADDRESS__
	/* The sanitizer's reading of a thread may take longer than a stop may last. */
	return found <= n && found >= n / 2;
#else
	return found == n;
#endif
}

/* More samples than there is time for: each is taken, late, or reported as skipped. */
START_TEST(of_late_ones)
{
	const struct interpreter *in = live_interpreters(NULL);
	unsigned long long taken = 0, late = 0, missed = 0;
	struct fixture f;
	struct run r;
	char pid[24];

	if (in->path[0] == 0)
		return;
	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@spin.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("-i", "1us", "-N", "50", "--idle", pid);
	/* (with the first, on a slow machine) */
	ck_assert_msg(strstr(r.err, ": 50 samples taken, 49 late, ") != NULL ||
			  strstr(r.err, ": 50 samples taken, 50 late, ") != NULL,
	    "%s", r.err);
	ck_assert_msg(is_counted(r.out, 50), "%s", r.out);
	run_free(&r);
	/* All that was due in 200 ms. */
	r = TOOL("-i", "10us", "-d", "200ms", "--idle", pid);
	ck_assert_msg(sscanf(r.err, "%*[^:]: %*[^:]: %llu samples taken, %llu late, %llu skipped", &taken,
			  &late, &missed) == 3,
	    "%s", r.err);
	ck_assert_msg(taken + missed == 20000 && late <= taken, "%s", r.err);
	ck_assert_msg(is_counted(r.out, (long)taken), "%s%s", r.out, r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* The process ends while it is sampled. */
START_TEST(of_the_dying)
{
	const struct interpreter *in = live_interpreters(NULL);
	struct fixture f;
	struct run r;
	char pid[24];

	if (in->path[0] == 0)
		return;
	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@spin.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = run_program(
	    NULL, ARGS("sh", "-c", "\"$0\" -i 10ms --idle $1 & sleep 5; kill -9 $1; wait $!; echo status $?",
		      spawn_tool(), pid));
	ck_assert_msg(strstr(r.out, "status 1\n") != NULL && total(r.out, "(p_wait) ]") >= 1 &&
			  strstr(r.err, " samples failed, the last: ") != NULL,
	    "%s%s", r.out, r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* sampled.py does `what` once it is sampled. */
static struct run of_changing(const char *what, const char *library, const char *const more[3])
{
	const struct interpreter *in = live_interpreters(NULL);
	struct fixture f;
	struct run r;
	char pid[24];

	fixture_start(
	    &f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@sampled.py", "%", what, library));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = run_program(NULL,
	    ARGS(spawn_tool(), "-i", "5ms", "--no-bpf", more[0], more[1], "-o", "folded", more[2], pid));
	fixture_end(&f);
	return r;
}

/* Code that was mapped after the first sample has names. */
START_TEST(of_a_late_library)
{
	char library[PATH_MAX];
	struct run r;

	spawn_built("test/programs/libspin.so", library);
	r = of_changing("load", library, ARGS("-N", "400", "--idle"));
	no_failure(&r);
	ck_assert_msg(strstr(r.out, ";libspin.so`sampled_spin ") != NULL && strstr(r.out, ";wait (") != NULL,
	    "%s", r.out);
	run_free(&r);
}
END_TEST

/* Another program is not mistaken for the sampled one. Sampling ends because of the exec, not
 * because the time is over. */
START_TEST(of_another_program)
{
	struct run r = of_changing("exec", NULL, ARGS("-d", "1000s", "--idle"));

	/* It may exec in the first sample already. Then there is nothing to print. */
	ck_assert_msg(((r.status == 1 && strstr(r.out, ";wait (") != NULL) ||
			  (r.status == 2 && strstr(r.err, ": 1 of 1 ") != NULL)) &&
			  strstr(r.err, " samples failed, the last: it has exited or executed another "
					"program") != NULL &&
			  strstr(r.err, ": 1 of ") != NULL,
	    "exit %d, %s%s", r.status, r.out, r.err);
	run_free(&r);
}
END_TEST

static void refused(struct run r, const char *why)
{
	ck_assert_msg(r.status == 2 && r.out[0] == '\0' && strstr(r.err, why) != NULL, "exit %d, %s%s",
	    r.status, r.out, r.err);
	run_free(&r);
}

START_TEST(options)
{
	refused(TOOL("-i", "10", "1"), "-i takes a time like 10ms");
	refused(TOOL("-i", "0ms", "1"), "-i takes a time like 10ms");
	refused(TOOL("-i", "99999999999999999h", "1"), "-i takes a time like 10ms");
	refused(TOOL("-i", "10ms", "-d", "x", "1"), "-d takes a time like 10ms");
	refused(TOOL("-i", "10ms", "-N", "-1", "1"), "-N needs a positive number of samples");
	refused(TOOL("-c", "-t", "0", "1"), "-t needs a positive number of stacks");
	refused(TOOL("-o", "svg", "1"), "-o takes text, json, folded or count");
	refused(TOOL("-i", "10ms"), "-i samples one process");
	refused(TOOL("--no-bpf", "1"), "--idle and --no-bpf need -i");
	refused(TOOL("-i", "10ms", "1", "2"), "-i samples one process");
	refused(TOOL("-N", "3", "1"), "-N needs -i or --at");
	refused(TOOL("-d", "3s", "1"), "-d needs -i or --at");
	refused(TOOL("-t", "3", "1"), "-t needs -c or -i");
	refused(TOOL("--idle", "1"), "--idle and --no-bpf need -i");
	refused(run_program(NULL, ARGS("sh", "-c", "\"$0\" -c </dev/null", spawn_tool())), "no stacks found");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("counts");
	TCase *tc = tcase_create("counts");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, of_pystack);
	tcase_add_test(tc, folded);
	tcase_add_test(tc, of_tracers);
	tcase_add_test(tc, options);
	tcase_add_loop_test(tc, of_threads, 0, (int)n);
	tcase_add_loop_test(tc, of_samples, 0, n > 2 ? 2 : (int)n);
	tcase_add_test(tc, of_late_ones);
	tcase_add_test(tc, of_the_dying);
	tcase_add_test(tc, of_a_late_library);
	tcase_add_test(tc, of_another_program);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
