/* Live processes of every interpreter: what pystack prints against what each fixture says of itself, the
 * native lines against eu-stack, and the target afterwards: as it was, and still working. */
#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/native.h"
#include "support/spawn.h"
#include "support/truth.h"

static struct interpreter found[32];
static size_t found_n;

static void judge(const char *what, struct strbuf *wrong)
{
	char text[6000];

	if (wrong->n == 0) {
		strbuf_free(wrong);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s", strbuf_text(wrong));
	strbuf_free(wrong);
	ck_abort_msg("%s:\n%s", what, text);
}

/* Run the tool on f and compare everything. */
static void check_stack(struct fixture *f, const char *option, int flags)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct truth truth = truth_read(f->dir);
	struct output out;
	char pid[16], head[32];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	r = option == NULL ? TOOL(pid) : TOOL(option, pid);
	out = output_parse(r.out, f->pid);
	(void)snprintf(head, sizeof(head), "%s:\t", pid);
	if (r.status != 0 || r.err[0] != 0)
		strbuf_fmt(&wrong, "exit %d, stderr %.500s\n", r.status, r.err);
	if (out.head == NULL || strncmp(out.head, head, strlen(head)) != 0)
		strbuf_fmt(&wrong, "first line %s\n", out.head == NULL ? "missing" : out.head);
	truth_compare(&truth, &out, flags, &wrong);
	output_free(&out);
	run_free(&r);
	truth_free(&truth);
	judge(f->in->label, &wrong);
}

static void check_native(struct fixture *f)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct output out;
	const char *why = "";
	char pid[16];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	r = TOOL(pid);
	out = output_parse(r.out, f->pid);
	if (native_compare(f->in, f->pid, NULL, NULL, &out, &wrong, &why) < 0)
		(void)printf("SKIP: native frames of %s: %s\n", f->in->label, why);
	output_free(&out);
	run_free(&r);
	judge(f->in->label, &wrong);
}

static void check_after(struct fixture *f)
{
	fixture_settle(f->pid);
	ck_assert_int_eq(process_state(f->pid), 'S');
	fixture_echo(f);
}

static void scene(int i, const struct fixture_options *opt, const char *const args[])
{
	struct fixture f;

	fixture_start(&f, &found[i], opt, args);
	check_stack(&f, NULL, 0);
	if (opt == NULL || !opt->alone)
		check_after(&f);
	fixture_end(&f);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Every scene at once, a thread each; then the same by other options. */
START_TEST(all_scenes)
{
	struct fixture f;

	fixture_start(&f, &found[_i], NULL, ARGS("@scenes.py", "%"));
	check_stack(&f, NULL, 0);
	check_after(&f);
	fixture_end(&f);
}
END_TEST

START_TEST(all_scenes_native)
{
	struct fixture f;

	fixture_start(&f, &found[_i], NULL, ARGS("@scenes.py", "%"));
	(void)kill(f.pid, SIGSTOP);
	while (process_state(f.pid) != 'T')
		(void)sched_yield();
	check_native(&f);
	ck_assert_int_eq(process_state(f.pid), 'T');
	(void)kill(f.pid, SIGCONT);
	fixture_echo(&f);
	fixture_end(&f);
}
END_TEST

START_TEST(all_scenes_qualnames)
{
	struct fixture f;

	fixture_start(&f, &found[_i], NULL, ARGS("@scenes.py", "%"));
	check_stack(&f, "-v", COMPARE_QUALNAME);
	check_stack(&f, "-p", COMPARE_PYTHON_ONLY);
	fixture_end(&f);
}
END_TEST

/* One thread: no header lines. */
START_TEST(one_thread)
{
	scene(_i, &(struct fixture_options){ .alone = true }, ARGS("@scenes.py", "%", "map"));
	scene(_i, &(struct fixture_options){ .alone = true }, ARGS("@scenes.py", "%", "yieldfrom"));
}
END_TEST

START_TEST(from_option_c)
{
	static const char code[] =
	    "import os, truth\ndef f():\n truth.watch(1)\n\n os.read(truth.fd(), 1)\nf()\n";

	scene(_i, NULL, ARGS("-c", code, "%"));
}
END_TEST

START_TEST(from_stdin)
{
	scene(_i, &(struct fixture_options){ .stdin_file = "stdin.py" }, ARGS("-", "%"));
}
END_TEST

START_TEST(at_exit)
{
	scene(_i, NULL, ARGS("@atexit_handler.py", "%"));
}
END_TEST

START_TEST(deep_recursion)
{
	scene(_i, NULL, ARGS("@deep.py", "%"));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live Python");
	TCase *c = tcase_create("every interpreter");
	int n = (int)found_n;

	tcase_set_timeout(c, 240);
	tcase_add_loop_test(c, one_thread, 0, n);
	tcase_add_loop_test(c, from_option_c, 0, n);
	tcase_add_loop_test(c, from_stdin, 0, n);
	tcase_add_loop_test(c, at_exit, 0, n);
	tcase_add_loop_test(c, all_scenes, 0, n);
	tcase_add_loop_test(c, all_scenes_qualnames, 0, n);
	tcase_add_loop_test(c, all_scenes_native, 0, n);
	tcase_add_loop_test(c, deep_recursion, 0, n);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	SRunner *sr;
	int failed;

	if (!spawn_init())
		return 2;
	found_n = roots_find(found, sizeof(found) / sizeof(found[0]), 1);
	sr = srunner_create(suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	spawn_fini();
	return failed == 0 ? 0 : 1;
}
