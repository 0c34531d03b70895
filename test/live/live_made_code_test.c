/* Code that a program has made at run time, and registered for debuggers: its names, and the frames
 * past it (test/programs/made_code.c); or named for perf (test/programs/named_code.c). */
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

static pid_t start_program(const char *name, const char *argument, char number[16])
{
	pid_t pid = spawn_program(name, argument);

	if (argument == NULL || strcmp(argument, "spins") != 0)
		fixture_settle(pid);
	(void)snprintf(number, 16, "%d", (int)pid);
	return pid;
}

static pid_t start(const char *wrong, char number[16])
{
	return start_program("made_code", wrong, number);
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

/* A thread that runs on may have had other code there. */
START_TEST(of_a_running_thread)
{
	char number[16];
	pid_t pid = start("spins", number);
	struct run r = TOOL(number);

	ck_assert_msg(r.status == 0 && strstr(r.out, "              JIT`made_inner?+0xc\n") != NULL, "%s%s",
	    r.out, r.err);
	run_free(&r);
	end(pid);
}
END_TEST

/* Tables that would skip the caller, as CPython 3.15's do, are not followed where code and stack
 * prove it. */
START_TEST(coarse_tables)
{
	static const char want[] = "              JIT`made_coarse+0x6\n              made_code`enter+0x";
	char number[16];
	pid_t pid = start("coarse", number);
	struct run r = TOOL("--stop", number);

	ck_assert_msg(r.status == 0 && strstr(r.out, want) != NULL, "exit %d: %s%s", r.status, r.out, r.err);
	run_free(&r);
	r = TOOL(number);
	ck_assert_msg(r.status == 0 && strstr(r.out, want) != NULL, "exit %d: %s%s", r.status, r.out, r.err);
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

/* How the program names it, and what is printed for it; or why it has no name. A file that another
 * program may have written, in the same process, is doubted, and so are names of a thread that runs
 * on while they are read. */
static const struct {
	const char *how, *line, *why;
} for_perf[] = {
	{ "map", "              JIT`made+0x6\n", NULL },
	{ "closed", "              JIT`made?+0x6\n", NULL },
	{ "before", "              JIT`made?+0x6\n", NULL },
	{ "kept", "              JIT`made?+0x6\n", NULL },
	{ "spins", "              JIT`made?+0x6\n", NULL },
	{ "after", "              0x6f0000000006\n", NULL },
	{ "link", "              0x6f0000000006\n", ".map is a symbolic link: code in no file has no names" },
	{ "dump", "              JIT`made+0x6\n", NULL },
};
enum { FOR_PERF = sizeof(for_perf) / sizeof(for_perf[0]) };

static void remove_files(pid_t pid)
{
	static const char *const names[][2] = { { "perf-", ".map" }, { "perf-", ".map.real" },
		{ "jit-", ".dump" } };
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "/tmp/%s%d%s", names[i][0], (int)pid, names[i][1]);
		(void)unlink(path);
	}
}

START_TEST(names_for_perf)
{
	char number[16];
	pid_t pid = start_program("named_code", for_perf[_i].how, number);
	struct run r = TOOL(number);
	const char *why = for_perf[_i].why;

	end(pid);
	remove_files(pid);
	ck_assert_msg(strstr(r.out, for_perf[_i].line) != NULL, "%s: %s%s", for_perf[_i].how, r.out, r.err);
	ck_assert_msg(why == NULL ? strstr(r.err, "/tmp/") == NULL : strstr(r.err, why) != NULL, "%s", r.err);
	run_free(&r);
}
END_TEST

/* A name is looked up anew in each sample. */
START_TEST(names_change)
{
	char number[16];
	pid_t pid = start_program("named_code", "changes", number);
	struct run r;

	oracle_leave_out(); /* it runs */
	r = TOOL("-i", "5ms", "--no-bpf", "--idle", "-d", "3s", number);

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	remove_files(pid);
	ck_assert_msg(
	    strstr(r.out, "JIT`made") != NULL && strstr(r.out, "JIT`again") != NULL, "%s%s", r.out, r.err);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("made_code");
	TCase *c = tcase_create("made_code");

	tcase_set_timeout(c, 300);
	tcase_add_test(c, names_and_callers);
	tcase_add_test(c, of_a_running_thread);
	tcase_add_test(c, coarse_tables);
	tcase_add_test(c, of_a_core);
	tcase_add_loop_test(c, wrong_lists, 0, LISTS);
	tcase_add_loop_test(c, names_for_perf, 0, FOR_PERF);
	tcase_add_test(c, names_change);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
