/* A program on musl, which has no unwind information: its stacks are whole. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/live.h"
#include "support/oracle.h"

static const char *const programs[] = { "musl_threads", "musl_threads_static" };
static const char *const functions[] = { "`main+", "`sleeps+", "`waits+", "`polls+" };

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

/* Two frames after each of the functions, which have begun the stack, and then nothing. */
static void check_ends(const char *out, const char *option)
{
	for (size_t i = 0; i < FUNCTIONS; i++) {
		const char *at = strstr(out, functions[i]);

		ck_assert_msg(at != NULL && strstr(at + 1, functions[i]) == NULL, "%s: %s: %s", option,
		    functions[i], out);
		for (int k = 0; k < 3; k++) {
			at = strchr(at, '\n');
			ck_assert_ptr_nonnull(at);
			at++;
			ck_assert_msg(
			    k < 2 ? at[0] == ' ' && strchr(at, '`') != NULL && strstr(at, "(") != at + 14
				  : at[0] != ' ',
			    "%s: line %d after %s: %s", option, k, functions[i], out);
		}
	}
}

START_TEST(stacks_are_whole)
{
	static const char *const options[] = { "--no-stop", "--stop", "-mfp" };
	char path[PATH_MAX], name[64], id[16];
	pid_t pid;

	(void)snprintf(name, sizeof(name), "test/programs/%s", programs[_i]);
	spawn_built(name, path);
	if (access(path, X_OK) != 0) {
		(void)printf("SKIP: a program on musl: musl-gcc was not there when it was to be built\n");
		return;
	}
	pid = spawn_program(programs[_i], NULL);
	(void)snprintf(id, sizeof(id), "%d", (int)pid);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct run r;

		fixture_settle(pid);
		r = TOOL(options[i], id);
		ck_assert_msg(r.status == 0, "%s: exit %d: %s%s", options[i], r.status, r.err, r.out);
		check_ends(r.out, options[i]);
		run_free(&r);
	}
	oracle_judge(oracle_process(pid));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live_musl");
	TCase *c = tcase_create("musl");

	tcase_set_timeout(c, 240);
	tcase_add_loop_test(c, stacks_are_whole, 0, sizeof(programs) / sizeof(programs[0]));
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
