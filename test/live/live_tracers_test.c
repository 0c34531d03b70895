/* The scripts for bpftrace and dtrace, run by the real tracers on a Python program, and the
 * commands that they call. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/live.h"
#include "support/spawn_files.h"

/* More than test/until.sh takes. */
static const struct run_options patient = { .timeout = 200 };

static const char *no_tracer(void)
{
	const char *why = live_no_bpftrace();

	return live_interpreters(NULL)->path[0] == 0 ? "no Python" : why;
}

/* Put the tool, and the commands next to the scripts, in PATH, as if they were installed. */
static void in_path(void)
{
	char scripts[PATH_MAX], text[3 * PATH_MAX];

	live_tool_in_path();
	ck_assert_ptr_nonnull(realpath("cmd/scripts", scripts));
	(void)snprintf(text, sizeof(text), "%s:%s", scripts, getenv("PATH"));
	ck_assert_int_eq(setenv("PATH", text, 1), 0);
	ck_assert_int_eq(setenv("PYSTACK_BIN", spawn_tool(), 1), 0);
}

static void traced_start(struct fixture *f, const struct interpreter *in)
{
	in_path();
	fixture_start(f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@traced.py", "%"));
}

/* Check the output of a tracer of f: it contains `part`, and no errors. A script resumes what it
 * stopped, even if it is interrupted. A tracer that holds the process itself (may_refuse) prevents
 * stopping it, and a message says so. */
static void traced_end(struct fixture *f, struct run *r, const char *name, const char *part, bool may_refuse)
{
	ck_assert_msg(strstr(r->out, part) != NULL && (may_refuse || strstr(r->out, "cannot ") == NULL),
	    "%s: %s%s", name, r->out, r->err);
	run_free(r);
	ck_assert_msg(process_state(f->pid) != 'T', "%s: left stopped", name);
	fixture_end(f);
}

/* A script for rmdir(2) on several threads: each stack is that of the call, and the script ends
 * with its target. */
static void threads(const char *const command[])
{
	struct run r;

	in_path();
	r = run_program(&patient, command);
	ck_assert_msg(r.status == 0 && r.out[0] == '\0', "%s%s", r.out, r.err);
	run_free(&r);
}

/* script PID ARGS… must print `part` twice or more, each in a whole stack. */
static void script(
    const struct interpreter *in, const char *name, const char *arg, const char *last, const char *part)
{
	struct fixture f;
	struct run r;
	char pid[24], exe[64];

	traced_start(&f, in);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)f.pid);
	if (arg != NULL && strcmp(arg, "exe") == 0)
		arg = exe;
	r = run_program(&patient, ARGS("test/until.sh", part, name, pid, arg, last));
	if (strstr(name, "top") == NULL)
		ck_assert_msg(strstr(r.out, "(<module>) ]") != NULL, "%s: %s", name, r.out);
	traced_end(&f, &r, name, part, false);
}

START_TEST(bpftrace)
{
	const struct interpreter *in = live_interpreters(NULL);
	const char *why = no_tracer();
	size_t n;

	if (why != NULL) {
		(void)printf("SKIP: scripts for bpftrace: %s\n", why);
		return;
	}
	script(in, "rmdir.bt", NULL, NULL, "(remove) ]");
	threads(ARGS("test/threads.sh", in->path, "rmdir.bt", "PID"));
	script(in, "write.bt", "9", NULL, "(put) ]");
	script(in, "sample.bt", "50", NULL, "(<module>) ]");
	script(in, "top.bt", NULL, NULL, "own    all  function");
	/* The probe at a function's entry: 3.15 alone fires it. */
	(void)live_interpreters(&n);
	for (size_t i = 0; i < n; i++) {
		if (in[i].major == 3 && in[i].minor == 15 && in[i].root[0] != '\0') {
			script(&in[i], "function.bt", "exe", "called", "(called) ]");
			return;
		}
	}
	(void)puts("SKIP: function.bt: no Debian 3.15");
}
END_TEST

/* The reason why dtrace cannot run here; NULL: it can, and root is the directory that has it. */
static const char *no_dtrace(char root[PATH_MAX])
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	struct run r;
	bool works;

	if (geteuid() != 0)
		return "needs root";
	if (cache != NULL && cache[0] != '\0')
		(void)snprintf(root, PATH_MAX, "%s/pystack/dtrace", cache);
	else
		(void)snprintf(root, PATH_MAX, "%s/.cache/pystack/dtrace", home == NULL ? "" : home);
	if (access(root, X_OK) != 0)
		return "no root with one: make matrix";
	r = run_program(&patient, ARGS("timeout", "180", "test/dtrace.sh", root, "-q", "-n",
				      "BEGIN { printf(\"it runs\"); exit(0); }"));
	works = r.status == 0 && strstr(r.out, "it runs") != NULL;
	if (!works)
		(void)printf("dtrace: %.300s%.300s\n", r.out, r.err);
	run_free(&r);
	return works ? NULL : "it does not start on this kernel";
}

/* As above, by test/dtrace.sh; script NULL: by -p, which holds the process as a debugger does. */
static void script_d(const char *root, const char *name, const char *arg, const char *part)
{
	const struct interpreter *in = live_interpreters(NULL);
	struct fixture f;
	struct run r;
	char pid[24], path[PATH_MAX], here[PATH_MAX];

	traced_start(&f, in);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	(void)snprintf(path, sizeof(path), "/mnt%.3000s/cmd/scripts/%s", here, name == NULL ? "" : name);
	if (name == NULL) /* dtrace -p is half a minute about ending, and has nothing to let go that way */
		r = run_program(
		    &patient, ARGS("env", "KILL_AFTER=2", "test/until.sh", part, "test/dtrace.sh", root,
				  "-qwp", pid, "-n", "tick-1s { system(\"pystack %d\", $target); }"));
	else
		r = run_program(
		    &patient, ARGS("test/until.sh", part, "test/dtrace.sh", root, "-s", path, pid, arg));
	traced_end(&f, &r, name == NULL ? "-p" : name, part, name == NULL);
}

static void threads_d(const char *root)
{
	char path[PATH_MAX], here[PATH_MAX];

	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	(void)snprintf(path, sizeof(path), "/mnt%.3000s/cmd/scripts/rmdir.d", here);
	threads(ARGS(
	    "test/threads.sh", live_interpreters(NULL)->path, "test/dtrace.sh", root, "-s", path, "PID"));
}

/* The function-entry probe of a 3.15 in dtrace's own root. dtrace looks for the program in its own
 * mount namespace, so it runs in the fixture's. */
static void function_d(const char *root)
{
	struct interpreter in = {
		.label = "dtrace 3.15", .path = "/usr/bin/python3.15", .major = 3, .minor = 15
	};
	char program[PATH_MAX], runner[PATH_MAX], path[PATH_MAX], here[PATH_MAX], pid[24];
	struct fixture f;
	struct run r;

	(void)snprintf(in.root, sizeof(in.root), "%.250s", root);
	(void)snprintf(program, sizeof(program), "%.3000s%s", root, in.path);
	if (access(program, X_OK) != 0) {
		(void)puts("SKIP: function.d: no Debian 3.15");
		return;
	}
	traced_start(&f, &in);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
	(void)snprintf(runner, sizeof(runner), "%.3000s/test/dtrace.sh", here);
	(void)snprintf(path, sizeof(path), "/mnt%.3000s/cmd/scripts/function.d", here);
	r = run_program(&patient, ARGS("test/until.sh", "(called) ]", "env", "DTRACE_INSIDE=1", "nsenter",
				      "-m", "-t", pid, runner, root, "-s", path, pid, "called"));
	traced_end(&f, &r, "function.d", "(called) ]", false);
}

START_TEST(dtrace)
{
	char root[PATH_MAX];
	const char *why = live_interpreters(NULL)->path[0] == 0 ? "no Python" : no_dtrace(root);

	if (why != NULL) {
		(void)printf("SKIP: scripts for dtrace: %s\n", why);
		return;
	}
	script_d(root, "rmdir.d", NULL, "(remove) ]");
	threads_d(root);
	script_d(root, "write.d", "9", "(put) ]");
	script_d(root, "sample.d", "60", "(<module>) ]");
	script_d(root, "top.d", NULL, "own    all  function");
	script_d(root, NULL, NULL, "(<module>) ]");
	function_d(root);
}
END_TEST

START_TEST(usage)
{
	static const char *const names[] = { "rmdir", "write", "function", "sample", "top" };
	const char *why = no_tracer();

	in_path();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && why == NULL; i++) {
		char name[32], want[64];
		struct run r;

		(void)snprintf(name, sizeof(name), "%s.bt", names[i]);
		(void)snprintf(want, sizeof(want), "usage: %s pid", name);
		/* A probe cannot be made of a missing operand: then bpftrace itself refuses. */
		r = run_program(&patient, ARGS("timeout", "180", name));
		ck_assert_msg(strstr(r.out, want) != NULL || (i == 2 && r.status != 0 && r.status != 124),
		    "%s: %s%s", name, r.out, r.err);
		run_free(&r);
	}
}
END_TEST

/* The command that waits for the stop. */
START_TEST(stopped)
{
	const struct interpreter *in = live_interpreters(NULL);
	struct fixture f;
	struct run r;
	char pid[24], lwp[48];

	if (in->path[0] == 0)
		return;
	traced_start(&f, in);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)kill(f.pid, SIGSTOP);
	r = run_program(NULL, ARGS("pystack-stopped", "-p", pid));
	ck_assert_msg(
	    r.status == 0 && r.err[0] == 0 && strstr(r.out, "(<module>) ]") != NULL, "%s%s", r.out, r.err);
	run_free(&r);
	ck_assert_int_eq(process_state(f.pid), 'T');
	/* It prints the stopped process, and only then resumes it. */
	r = run_program(NULL, ARGS("pystack-stopped", "-c", pid));
	ck_assert_msg(r.status == 0 && strstr(r.out, "(<module>) ]") != NULL, "%s%s", r.out, r.err);
	run_free(&r);
	ck_assert_int_ne(process_state(f.pid), 'T');
	/* One thread. */
	(void)kill(f.pid, SIGSTOP);
	(void)snprintf(lwp, sizeof(lwp), "%d/%d", (int)f.pid, (int)f.pid);
	r = run_program(NULL, ARGS("pystack-stopped", "-c", lwp));
	ck_assert_msg(r.status == 0 && strstr(r.out, "(<module>) ]") != NULL, "%s%s", r.out, r.err);
	run_free(&r);
	/* A process that does not stop: the wait is bounded, a message is printed, and the stacks
	 * are printed. */
	r = run_program(NULL, ARGS("pystack-stopped", pid));
	ck_assert_msg(strstr(r.err, "did not stop") != NULL && strstr(r.out, "(<module>) ]") != NULL, "%s%s",
	    r.out, r.err);
	run_free(&r);
	fixture_end(&f);
	r = run_program(NULL, ARGS("pystack-stopped", "999999999"));
	ck_assert_msg(r.status == 2 && strstr(r.err, "no such process") != NULL, "%s", r.err);
	run_free(&r);
	r = run_program(NULL, ARGS("pystack-stopped", "-c"));
	ck_assert_msg(r.status == 2 && strstr(r.err, "usage:") != NULL, "%s", r.err);
	run_free(&r);
}
END_TEST

/* ^C at a tracer goes to all it has started, and pystack ends at once. */
START_TEST(interrupted)
{
	const struct interpreter *in = live_interpreters(NULL);
	char command[PATH_MAX], path[2 * PATH_MAX], pid[24];
	struct fixture f;
	struct run r;
	FILE *file;

	if (in->path[0] == 0)
		return;
	traced_start(&f, in);
	(void)snprintf(command, sizeof(command), "%s/pystack", f.dir);
	file = fopen(command, "we");
	ck_assert_ptr_nonnull(file);
	(void)fputs("#!/bin/sh\nkill -INT 0\n", file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(command, 0755), 0);
	(void)snprintf(path, sizeof(path), "PYSTACK_BIN=%s", command);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)kill(f.pid, SIGSTOP);
	r = run_program(&patient, ARGS("env", path, "setsid", "-w", "pystack-stopped", "-c", pid));
	ck_assert_int_ne(process_state(f.pid), 'T');
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* The reader of the output may be slow: the target is resumed nevertheless, and the tracer's
 * command ends. A second thread of the same stop, whose command finds the process running again, is
 * printed as it was. A thread that was not there is reported as missing. */
START_TEST(slow_reader)
{
	const struct interpreter *in = live_interpreters(NULL);
	struct fixture f;
	struct run r;
	char pid[24];

	if (in->path[0] == 0)
		return;
	traced_start(&f, in);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)kill(f.pid, SIGSTOP);
	r = run_program(NULL, ARGS("timeout", "120", "sh", "-c",
				  "mkfifo $1/full && exec 5<>$1/full && timeout 0.5 dd if=/dev/zero bs=64k "
				  "count=64 >&5 2>/dev/null\n"
				  "pystack-stopped -c -s $$.1 $2/$2 >&5 5>&- || exit 3\n"
				  "pystack-stopped -c -s $$.1 $2/$2 >&5 5>&-; [ $? = 1 ] || exit 4\n"
				  "(timeout 1 cat <&5 | tr -d '\\0') 5>&5\n"
				  "pystack-stopped -e $$ $2",
				  "sh", f.dir, pid));
	ck_assert_msg(process_state(f.pid) != 'T', "left stopped");
	ck_assert_msg(r.status == 0 && strstr(r.out, "(<module>) ]") != NULL &&
			  strstr(r.out, "has gone on; its stack at the probe could not be had)") != NULL &&
			  strstr(r.err, "1 of 2 stacks could not be printed") != NULL,
	    "%d %s%s", r.status, r.out, r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* Each script names its target in every probe that acts, and resumes what it stopped when it
 * ends. */
START_TEST(predicates)
{
	struct run r =
	    run_program(NULL, ARGS("sh", "-c",
				  "cd cmd/scripts && for f in *.bt *.d; do"
				  "  awk -v f=$f '/system\\(/ && !guarded { print f \": no "
				  "predicate\" } /^\\/.*(\\$1|held)|if .*(\\$#|held)/ { guarded = 1 } "
				  "/^}/ { guarded = 0 }' $f;"
				  "  ! grep -Eq 'raise[(]|signal[(]' $f || grep -q ^END $f || "
				  "    echo $f: no END;"
				  "  grep -q 'usage: '$f $f || echo $f: no usage;"
				  "  [ -x $f ] || echo $f: not executable;"
				  "done"));

	ck_assert_msg(r.status == 0 && r.out[0] == '\0' && r.err[0] == '\0', "%s%s", r.out, r.err);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("tracers");
	TCase *c = tcase_create("tracers");

	tcase_set_timeout(c, 1200);
	tcase_add_test(c, bpftrace);
	tcase_add_test(c, dtrace);
	tcase_add_test(c, usage);
	tcase_add_test(c, stopped);
	tcase_add_test(c, interrupted);
	tcase_add_test(c, slow_reader);
	tcase_add_test(c, predicates);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
