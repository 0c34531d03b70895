/* -o json: every operand has its line, whatever can be read of it. What each member holds is checked
 * by the schema, and against the text, in the tests of other suites (support/json_lines.h). */
#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/json_lines.h"
#include "support/live.h"
#include "support/oracle.h"
#include "support/spawn_files.h"

static size_t count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

/* Check the exit status and that each part is in the output. Frees r. */
static void expect(struct run r, int status, size_t lines, const char *const parts[])
{
	json_lines_add(r.out);
	ck_assert_msg(r.status == status, "exit %d: %s", r.status, r.err);
	ck_assert_uint_eq(count_of(r.out, "\n"), lines);
	for (; *parts != NULL; parts++)
		ck_assert_msg(strstr(r.out, *parts) != NULL, "%s: not in %s", *parts, r.out);
	run_free(&r);
}

/* A program that waits, with these arguments. */
static pid_t start_cat(const char *zeroth, const char *name, int *to)
{
	char path[64], now[64] = "";
	int pipe_fd[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(pipe_fd, 0), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(pipe_fd[0], STDIN_FILENO);
		(void)close(pipe_fd[1]);
		(void)execl("/bin/cat", zeroth, "-", name, (char *)NULL);
		_exit(127);
	}
	(void)close(pipe_fd[0]);
	*to = pipe_fd[1];
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	while (spawn_head(path, now, sizeof(now)) && strcmp(now, "cat\n") != 0)
		(void)sched_yield();
	fixture_settle(pid);
	return pid;
}

static void end_cat(pid_t pid, int to)
{
	char *differs = oracle_process(pid);

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(to);
	oracle_judge(differs);
}

START_TEST(every_operand_has_a_line)
{
	char pid_text[16], lwps[32];
	int to;
	pid_t pid = start_cat("cat", "x", &to);

	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
	(void)snprintf(lwps, sizeof(lwps), "%d/1", (int)pid);
	expect(TOOL("-o", "json", "/nowhere/core"), 2, 1,
	    ARGS("{\"schema\":1,", "\"type\":\"target\",\"operand\":\"/nowhere/core\",",
		"\"messages\":[{\"code\":\"cannot-examine\",\"text\":\"cannot examine /nowhere/core: ",
		"\"complete\":false}\n"));
	expect(TOOL("-o", "json", pid_text, "/nowhere/core"), 1, 2,
	    ARGS("\"symbol\":\"read\"", "\"threads\":[{\"lwp\":", "\"code\":\"no-python\"",
		"\"complete\":true}\n{", "\"capture\":{\"method\":\"passive\",\"time\":1",
		"\"complete\":false}\n"));
	expect(TOOL("-o", "json", lwps), 1, 1,
	    ARGS("\"threads\":[],\"thread_count\":", "\"code\":\"no-lwps\"", "\"complete\":false}\n"));
	end_cat(pid, to);
}
END_TEST

START_TEST(counted_stacks)
{
	char pid_text[16];
	int to;
	pid_t pid = start_cat("cat", "x", &to);
	struct run r;

	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
	r = TOOL("-c", "-o", "json", pid_text, pid_text);
	ck_assert_ptr_null(strstr(r.out, "\"threads\""));
	ck_assert_ptr_null(strstr(r.out, "\"sp\""));
	expect(
	    r, 0, 3, ARGS("\"kind\":\"process\",\"pid\":", "\"type\":\"stack\",\"count\":2,\"frames\":[{"));
	expect(run_program(NULL, ARGS("/bin/sh", "-c",
				     "printf '              a\\\\x5bb`f+0x1\\n                [ a.py:1 (f) ] "
				     "?\\n' | \"$0\" -c -o json",
				     spawn_tool())),
	    0, 2,
	    ARGS("\"operand\":\"standard input\",\"messages\":[],\"complete\":true}\n",
		"\"count\":1,\"frames\":[{\"kind\":\"native\",\"line_text\":\"a\\\\\\\\x5bb`f+0x1\"},"
		"{\"kind\":\"python\",\"line_text\":\"[ a.py:1 (f) ] ?\"}]}\n"));
	end_cat(pid, to);
}
END_TEST

START_TEST(hostile_arguments)
{
	char pid_text[16], text[200];
	int to;
	pid_t pid = start_cat("c\xff\\at\n", "\xed\xa0\x80\xc2\x9b\"", &to);

	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
	(void)snprintf(text, sizeof(text), "\"operand\":\"%d\",\"kind\":\"process\",\"pid\":%d,\"uid\":%u,",
	    (int)pid, (int)pid, (unsigned)getuid());
	expect(TOOL("-o", "json", pid_text), 0, 1,
	    ARGS(text, "\"psargs\":\"c\\\\udcff\\\\\\\\at\\n - \\\\ud800\\u009B\\\"\",",
		"\"argv\":[\"c\\\\udcff\\\\\\\\at\\n\",\"-\",\"\\\\ud800\\u009B\\\"\"],"));
	end_cat(pid, to);
}
END_TEST

START_TEST(what_does_not_go_together)
{
	struct run r = TOOL("--list", "-o", "json");

	ck_assert_int_eq(r.status, 2);
	run_free(&r);
	r = TOOL("-t", "3", "-o", "json", "1");
	ck_assert_int_eq(r.status, 2);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("JSON");
	TCase *c = tcase_create("json");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, what_does_not_go_together);
	if (json_lines_collected()) {
		tcase_add_test(c, every_operand_has_a_line);
		tcase_add_test(c, counted_stacks);
		tcase_add_test(c, hostile_arguments);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
