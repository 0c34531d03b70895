/* --color: when there are colours, and that nothing else changes. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "support/live.h"
#include "support/terminal.h"

/* Everything that `sh -c script` writes to a terminal. The caller frees it. */
static char *on_terminal(const char *const args[])
{
	int slave, master = terminal_open(&slave), status;
	struct termios raw;
	char *text;
	pid_t pid;

	ck_assert_int_eq(tcgetattr(slave, &raw), 0);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	ck_assert_int_eq(tcsetattr(slave, TCSANOW, &raw), 0);
	(void)fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (dup2(slave, STDOUT_FILENO) == STDOUT_FILENO)
			(void)execvp(args[0], (char *const *)args);
		_exit(127);
	}
	(void)close(slave);
	text = terminal_read(master);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x: %s", (unsigned)status, text);
	return text;
}

/* A process whose stacks stay the same. */
static void start_stopped(struct fixture *f, char pid[16])
{
	size_t n;

	fixture_start(f, live_interpreters(&n), NULL, ARGS("@states.py", "%"));
	(void)snprintf(pid, 16, "%d", (int)f->pid);
}

static bool is_colored(const char *text)
{
	return strchr(text, '\033') != NULL;
}

/* A terminal has colours, unless somebody says that it has none. */
START_TEST(terminal)
{
	static const struct {
		const char *terminal, *no_color, *option;
		bool colored;
	} cases[] = {
		{ "TERM=xterm-256color", "NO_COLOR=", "--color=auto", true },
		{ "TERM=xterm-256color", "NO_COLOR=1", "--color=auto", false },
		{ "TERM=xterm-256color", "NO_COLOR=1", "--color=always", true },
		{ "TERM=xterm-256color", "NO_COLOR=", "--color=never", false },
		{ "TERM=dumb", "NO_COLOR=", "--color=auto", false },
		{ "TERM=", "NO_COLOR=", "--color=auto", false },
		{ "TERM=linux", "NO_COLOR=", "-v", true },
		{ "TERM=linux", "NO_COLOR=", "-ofolded", false },
		{ "TERM=linux", "NO_COLOR=", "-ocount", true },
	};
	struct fixture f;
	char pid[16];

	start_stopped(&f, pid);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = on_terminal(
		    ARGS("env", cases[i].terminal, cases[i].no_color, spawn_tool(), cases[i].option, pid));

		ck_assert_msg(is_colored(text) == cases[i].colored && strstr(text, ".py:") != NULL,
		    "%s %s %s: %s", cases[i].terminal, cases[i].no_color, cases[i].option, text);
		free(text);
	}
	fixture_end(&f);
}
END_TEST

/* Without its sequences the text is that of --color=never; the documented filter finds the same lines;
 * -c reads one as the other. */
START_TEST(same_text)
{
	static const char script[] =
	    "P=$0 D=$1; shift\n"
	    "plain() { sed 's/\\x1b\\[[0-9;]*m//g' | same; }\n"
	    "same() { sed -E 's/\\((stopped|in [a-z0-9_]+(, time-out [0-9.]+ m?s)?)([;)])/(waits\\3/'; }\n"
	    "kill -STOP $1; trap 'kill -CONT '$1 EXIT\n"
	    "while grep -L '^State:.T' /proc/$1/task/*/status | grep -q .; do :; done\n"
	    "for options in '' -p -v -l -g '-n 3' -c '-o folded' -a '--stop -v'; do\n"
	    "  \"$P\" --color=never $options $1 >$D/never 2>&1\n"
	    "  \"$P\" --color=always $options $1 >$D/always 2>&1\n"
	    "  same <$D/never >$D/want; plain <$D/always | diff - $D/want || exit 1\n"
	    "  grep -E '^ {16}\\[ |thread#' $D/always | plain >$D/always.frames\n"
	    "  grep -E '^ {16}\\[ |thread#' $D/want | cmp - $D/always.frames || exit 1\n"
	    "done\n"
	    "\"$P\" --color=always $1 | \"$P\" -c >$D/always; \"$P\" $1 | \"$P\" -c | cmp - $D/always || "
	    "exit 1\n"
	    "\"$P\" --color=always -c $1 | \"$P\" -o folded >$D/always\n"
	    "\"$P\" -c $1 | \"$P\" -o folded | cmp - $D/always || exit 1\n"
	    "! grep -q \"$(printf '\\033')\" $D/always\n";
	char dir[] = "/tmp/pystack-color-XXXXXX";
	struct fixture f;
	struct run r;
	char pid[16];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	start_stopped(&f, pid);
	r = run_program(NULL, ARGS("sh", "-c", script, spawn_tool(), dir, pid));
	ck_assert_msg(r.status == 0 && r.out[0] == '\0', "exit %d: %s%s", r.status, r.out, r.err);
	run_free(&r);
	fixture_end(&f);
	r = run_program(NULL, ARGS("rm", "-r", dir));
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live_color");
	TCase *c = tcase_create("color");

	tcase_set_timeout(c, 240);
	tcase_add_test(c, terminal);
	tcase_add_test(c, same_text);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
