/* The tool on a C program of 32-bit words, as a process and as a core of it. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/live.h"
#include "support/oracle.h"
#include "support/json_lines.h"
#include "support/run_suite.h"

static char folder[] = "/tmp/live_i386.XXXXXX";

/* Compile it. False: there is no compiler for 32 bits here. */
static bool build(char *program, size_t n)
{
	char source[4096];
	struct run r;
	bool built;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(program, n, "%s/words_of_4", folder);
	(void)snprintf(source, sizeof(source), "%s/words_of_4.c", spawn_programs());
	r = run_program(NULL, (const char *const[]){ "gcc", "-m32", "-O1", "-g", "-pthread",
				  "-fno-omit-frame-pointer", "-o", program, source, NULL });
	built = r.status == 0;
	run_free(&r);
	return built;
}

static pid_t start(const char *program)
{
	int pair[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(pair), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(pair[1], STDOUT_FILENO);
		(void)execl(program, program, (char *)NULL);
		_exit(127);
	}
	(void)close(pair[1]);
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	(void)close(pair[0]);
	fixture_settle(pid);
	return pid;
}

/* These texts, in this order. */
static void in_order(const char *text, const char *const *parts)
{
	const char *at = text;

	for (size_t i = 0; parts[i] != NULL; i++) {
		at = strstr(at, parts[i]);
		ck_assert_msg(at != NULL, "no %s where it should be in\n%s", parts[i], text);
		at += strlen(parts[i]);
	}
}

static void look(const struct run *r)
{
	static const char *const first[] = { "(in pause)", "words_of_4`inner+", "words_of_4`inner+",
		"words_of_4`inner+", "words_of_4`inner+", "words_of_4`main+", "__libc_start_main",
		"words_of_4`_start+", NULL };
	static const char *const other[] = { "(in pause)", "words_of_4`in_handler+",
		"(signal handler called)", "words_of_4`interrupted+", "words_of_4`second+", NULL };

	in_order(r->out, first);
	in_order(r->out, other);
	ck_assert_msg(
	    strstr(r->out, "(stack") == NULL && strstr(r->out, "frame pointer") == NULL, "%s", r->out);
}

START_TEST(process_and_core)
{
	char program[64], pid_text[16], core[96], prefix[80];
	struct run r;
	pid_t pid;

	if (!build(program, sizeof(program))) {
		(void)puts("SKIP: gcc -m32 does not work here (package gcc-multilib)");
		(void)rmdir(folder);
		return;
	}
	pid = start(program);
	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
	r = TOOL(pid_text);
	ck_assert_msg(r.status == 0, "%s", r.err);
	look(&r);
	run_free(&r);
	r = TOOL("--stop", pid_text);
	ck_assert_msg(r.status == 0, "%s", r.err);
	look(&r);
	run_free(&r);
	(void)snprintf(prefix, sizeof(prefix), "%s/core", folder);
	r = run_program(NULL, (const char *const[]){ "gcore", "-o", prefix, pid_text, NULL });
	/* libunwind does not read such programs: a message says so, and a comparison would run if
	 * that changed. */
	oracle_judge(oracle_process(pid));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	if (r.status == 0) {
		run_free(&r);
		(void)snprintf(core, sizeof(core), "%s.%s", prefix, pid_text);
		r = TOOL(core);
		ck_assert_msg(r.status == 0, "%s", r.err);
		look(&r);
		(void)unlink(core);
	} else
		(void)puts("SKIP: no core: gcore fails here");
	run_free(&r);
	(void)unlink(program);
	(void)rmdir(folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live i386");
	TCase *tcase = tcase_create("i386");
	int status;

	if (!spawn_init())
		return EXIT_FAILURE;
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, process_and_core);
	suite_add_tcase(suite, tcase);
	json_lines_begin(true);
	status = run_made_suite(suite);
	if (!json_lines_are_right())
		status = EXIT_FAILURE;
	spawn_fini();
	return status;
}
