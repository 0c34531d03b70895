/* Code that a program has made at run time and registered for debuggers: its names, and the frames
 * past it (test/programs/made_code.c). */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/json_lines.h"
#include "support/live.h"
#include "support/oracle.h"

static const char stack[] = "JIT`made_inner+0xc\n"
			    "              made_code`inner+0x%x\n"
			    "              JIT`made_outer+0xc\n"
			    "              made_code`main+0x%x\n";

static pid_t start(const char *wrong, char number[16])
{
	const char *tool = spawn_tool(), *end = strrchr(tool, '/');
	char path[PATH_MAX], ready;
	int out[2];
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%.*s/test/programs/made_code", (int)(end - tool), tool);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)execl(path, "made_code", wrong, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	ck_assert_int_eq(read(out[0], &ready, 1), 1);
	(void)close(out[0]);
	fixture_settle(pid);
	(void)snprintf(number, 16, "%d", (int)pid);
	return pid;
}

static void end(pid_t pid)
{
	char *differs = oracle_process(pid);

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	oracle_judge(differs);
}

/* Both functions, and what called each, by nothing but what is registered. */
static void expect_stack(struct run r)
{
	const char *at = strstr(r.out, "JIT`made_inner");
	unsigned offsets[2];
	char want[sizeof(stack) + 32];

	ck_assert_msg(r.status == 0 && at != NULL, "exit %d: %s%s", r.status, r.out, r.err);
	ck_assert_msg(sscanf(at, stack, &offsets[0], &offsets[1]) == 2, "%s", r.out);
	(void)snprintf(want, sizeof(want), stack, offsets[0], offsets[1]);
	ck_assert_msg(strncmp(at, want, strlen(want)) == 0, "%s", r.out);
	ck_assert_msg(strstr(r.out, "frame pointer") == NULL && strstr(r.err, "registered") == NULL, "%s%s",
	    r.out, r.err);
	run_free(&r);
}

START_TEST(names_and_callers)
{
	char number[16];
	pid_t pid = start(NULL, number);
	struct run r;

	expect_stack(TOOL(number));
	expect_stack(TOOL("--stop", number));
	r = TOOL("-o", "folded", number);
	ck_assert_msg(strstr(r.out, ";JIT`made_outer;made_code`inner;JIT`made_inner;made_code`rest;") != NULL,
	    "%s", r.out);
	run_free(&r);
	r = TOOL("-o", "json", number);
	if (json_lines_collected())
		json_lines_add(r.out);
	run_free(&r);
	end(pid);
}
END_TEST

START_TEST(of_a_core)
{
	char number[16], core[300];
	pid_t pid = start(NULL, number);
	char folder[] = "/tmp/pystack-made-XXXXXX";
	struct run r;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(core, sizeof(core), "%s/core", folder);
	r = run_program(NULL, ARGS("gcore", "-o", core, number));
	end(pid);
	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
	run_free(&r);
	(void)snprintf(core, sizeof(core), "%s/core.%s", folder, number);
	r = TOOL(core);
	(void)unlink(core);
	(void)rmdir(folder);
	expect_stack(r);
}
END_TEST

/* A list that is not as it should be: what it has is used, what is missing is said. */
static const char *const lists[][2] = {
	{ "endless", "endless list of registered code at 0x" },
	{ "unreadable", "registered code without a readable ELF file at 0x1000" },
	{ "huge", "too much registered code at 0x" },
};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

START_TEST(wrong_lists)
{
	char number[16];
	pid_t pid = start(lists[_i][0], number);
	struct run r = TOOL(number);

	ck_assert_msg(strstr(r.out, "              JIT`made_inner+0xc\n") != NULL, "%s", r.out);
	ck_assert_msg(strstr(r.out, "made_outer") == NULL, "%s", r.out);
	ck_assert_msg(strstr(r.err, lists[_i][1]) != NULL, "%s", r.err);
	run_free(&r);
	if (json_lines_collected()) {
		r = TOOL("-o", "json", number);
		json_lines_add(r.out);
		ck_assert_msg(strstr(r.out, "\"code\":\"made-code\"") != NULL, "%s", r.out);
		run_free(&r);
	}
	end(pid);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("made_code");
	TCase *c = tcase_create("made_code");

	tcase_set_timeout(c, 300);
	tcase_add_test(c, names_and_callers);
	tcase_add_test(c, of_a_core);
	tcase_add_loop_test(c, wrong_lists, 0, LISTS);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
