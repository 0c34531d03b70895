/* --at: which processes are observed. What is counted is what they have done, by their own account. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "support/live.h"
#include "support/observer.h"
#include "support/spawn_files.h"

enum { ARGS_MAX = 24 };

struct told {
	char name[64];
	long n;
};

struct account {
	VEC(struct told) at;
};

/* Read what the processes have told in `path`. */
static void account_read(struct account *a, const char *path)
{
	FILE *in = fopen(path, "r");
	struct told one;

	ck_assert_ptr_nonnull(in);
	while (fscanf(in, "%ld %63s", &one.n, one.name) == 2) {
		size_t i = 0;

		while (i < a->at.n && strcmp(a->at.at[i].name, one.name) != 0)
			i++;
		if (i < a->at.n)
			a->at.at[i].n += one.n;
		else
			ck_assert(vec_push(&a->at, one));
	}
	(void)fclose(in);
}

/* The counts of the stacks that have function `name` as their second Python frame, below leaf(). */
static long count_below_leaf(const char *text, const char *name)
{
	char *copy = strdup(text), *save = NULL, second[64] = "", one[64];
	long sum = 0, frames = 0;

	ck_assert_ptr_nonnull(copy);
	for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *end;
		long count = strtol(line, &end, 10);

		if (*end == '\0' && end != line) {
			sum += strcmp(second, name) == 0 ? count : 0;
			second[0] = '\0';
			frames = 0;
		} else if (observer_name(line, one) && ++frames == 2) {
			memcpy(second, one, sizeof(second));
		}
	}
	free(copy);
	return sum;
}

/* The counts of the stacks whose Python frames are unknown: pystack, on a loaded machine, has not
 * looked at a program yet that was executed. */
static long count_unknown(const char *text)
{
	char *copy = strdup(text), *save = NULL;
	bool is_unknown = false;
	long sum = 0;

	ck_assert_ptr_nonnull(copy);
	for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *end;
		long count = strtol(line, &end, 10);

		is_unknown |= strstr(line, "(Python frame unknown)") != NULL;
		if (*end == '\0' && end != line) {
			sum += is_unknown ? count : 0;
			is_unknown = false;
		}
	}
	free(copy);
	return sum;
}

/* Compare a run with the account in `path`; `n` functions are in it. What is missing must be told.
 * others: further processes were observed, of which events may be lost. Frees the run. */
static void compare(struct run *r, const char *path, size_t n, bool others)
{
	struct account a = { VEC_EMPTY };
	long lost = observer_lost(r->err, "syscall:rmdir: ") + count_unknown(r->out), missing = 0;

	account_read(&a, path);
	ck_assert_msg(a.at.n == n, "%zu functions", a.at.n);
	for (size_t i = 0; i < n; i++)
		missing += a.at.at[i].n - count_below_leaf(r->out, a.at.at[i].name);
	for (size_t i = 0; lost == 0 && i < n; i++)
		ck_assert_int_eq(a.at.at[i].n, count_below_leaf(r->out, a.at.at[i].name));
	ck_assert_msg(others ? missing <= lost : missing == lost, "%ld are missing; %.3000s%s", missing,
	    r->out, r->err);
	ck_assert_msg(others || r->status == (lost == 0 ? 0 : 1), "%d: %s%.3000s", r->status, r->err, r->out);
	vec_free(&a.at);
	run_free(r);
}

/* Count what the program does in `mode`, started by pystack, with a further option or NULL. */
static void count_command(const char *mode, const char *option, size_t n)
{
	const struct interpreter *in = live_interpreters(NULL);
	const char *args[ARGS_MAX] = { "pystack", "-v", "-c", "--at", "syscall:rmdir" };
	char program[PATH_MAX], truth[PATH_MAX];
	struct observer o;
	struct run r;
	size_t k = 5;

	(void)snprintf(program, sizeof(program), "%s/probed_family.py", spawn_programs());
	(void)snprintf(truth, sizeof(truth), "%s/truth-%s", spawn_folder(), mode);
	(void)unlink(truth);
	if (option != NULL)
		args[k++] = option;
	args[k++] = "--";
	args[k++] = in->path;
	args[k++] = program;
	args[k++] = mode;
	args[k++] = truth;
	if (!observer_start(&o, args)) {
		(void)printf("SKIP: %s\n", observer_why_not());
		return;
	}
	r = observer_wait(&o);
	compare(&r, truth, n, false);
}

/* From its first instruction on, until it ends. */
START_TEST(command)
{
	count_command("alone", NULL, 1);
	count_command("threads", NULL, 2);
}
END_TEST

/* The same for a program that runs already. */
static void count_with(const char *mode, const char *option, size_t n, const struct fixture_options *fixture)
{
	const struct interpreter *in = live_interpreters(NULL);
	const char *args[ARGS_MAX] = { "pystack", "-v", "-c", "--at", "syscall:rmdir", option };
	char truth[PATH_MAX], pid[16];
	struct fixture f;
	struct observer o;
	struct run r;

	fixture_start(&f, in, fixture, ARGS("@probed_family.py", mode, "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)snprintf(truth, sizeof(truth), "%s/truth", f.dir);
	args[option == NULL ? 5 : 6] = pid;
	if (observer_start(&o, args)) {
		fixture_echo(&f);
		r = observer_end(&o);
		compare(&r, truth, n, false);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	fixture_end(&f);
}

static void count_running(const char *mode, const char *option, size_t n)
{
	count_with(mode, option, n, &(struct fixture_options){ .alone = true });
}

/* Children and grandchildren, from their first instruction on, and what they execute. */
START_TEST(children)
{
	count_command("fork", "-r", 3);
	count_command("exec", "-r", 2);
	count_running("fork", "-r", 3);
	count_running("exec", "-r", 2);
}
END_TEST

/* Children that there are already. */
START_TEST(workers)
{
	count_running("workers", "-r", 2);
}
END_TEST

/* Threads that begin later. */
START_TEST(later_threads)
{
	count_running("threads", NULL, 2);
}
END_TEST

static int last_thread(pid_t pid)
{
	char path[64];
	const struct dirent *e;
	DIR *tasks;
	int last = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	ck_assert_ptr_nonnull(tasks);
	while ((e = readdir(tasks)) != NULL)
		last = atoi(e->d_name) > last ? atoi(e->d_name) : last;
	(void)closedir(tasks);
	return last;
}

/* Only the named threads: that with the highest id, then all but the first. */
START_TEST(selected_threads)
{
	struct fixture f;
	struct observer o;
	struct run r;
	char operand[64];

	for (int all = 0; all < 2; all++) {
		fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
		    ARGS("@probed_family.py", "selected", "%"));
		(void)snprintf(operand, sizeof(operand), "%d/%d%s", (int)f.pid,
		    all ? (int)f.pid + 1 : last_thread(f.pid), all ? "-" : "");
		if (!observer_start(&o, ARGS("pystack", "-v", "-c", "--at", "syscall:rmdir", operand))) {
			(void)printf("SKIP: %s\n", observer_why_not());
			fixture_end(&f);
			return;
		}
		fixture_echo(&f);
		r = observer_end(&o);
		if (observer_lost(r.err, "syscall:rmdir: ") == 0) {
			ck_assert_int_eq(count_below_leaf(r.out, "by_child"), 30);
			ck_assert_int_eq(count_below_leaf(r.out, "by_thread"), all ? 20 : 0);
		}
		ck_assert_int_eq(count_below_leaf(r.out, "by_parent"), 0);
		run_free(&r);
		fixture_end(&f);
	}
}
END_TEST

/* That nothing is observed yet is said, with the executable of what has this name. */
START_TEST(no_executable_yet)
{
	const struct interpreter *in = live_interpreters(NULL);
	char dir[] = "/tmp/pystack-link-XXXXXX", link[64], wanted[64];
	struct fixture f;
	struct observer o;
	struct run r;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(link, sizeof(link), "%s/linked", dir);
	ck_assert_int_eq(symlink(in->path, link), 0);
	fixture_start(
	    &f, in, &(struct fixture_options){ .alone = true, .executable = link }, ARGS("@probed.py", "%"));
	(void)snprintf(wanted, sizeof(wanted), " executable yet; that of process %d is python", (int)f.pid);
	if (observer_start(&o, ARGS("pystack", "-v", "--at", "syscall:rmdir", "--exe", "linked"))) {
		r = observer_end(&o);
		ck_assert_msg(strstr(r.err, wanted) != NULL, "%s", r.err);
		run_free(&r);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	fixture_end(&f);
	(void)unlink(link);
	(void)rmdir(dir);
}
END_TEST

/* All processes of an executable, and those that execute it later. */
static void count_open_ended(const char *const options[], size_t n)
{
	const struct interpreter *in = live_interpreters(NULL);
	const char *args[ARGS_MAX] = { "pystack", "-v", "-c", "--at", "syscall:rmdir" };
	char truth[PATH_MAX], header[64];
	struct fixture f;
	struct observer o;
	struct run r;
	size_t k = 5;

	for (; options[k - 5] != NULL; k++)
		args[k] = options[k - 5];
	fixture_start(
	    &f, in, &(struct fixture_options){ .alone = true }, ARGS("@probed_family.py", "exec", "%"));
	(void)snprintf(truth, sizeof(truth), "%s/truth", f.dir);
	if (observer_start(&o, args)) {
		fixture_echo(&f);
		r = observer_end(&o);
		(void)snprintf(header, sizeof(header), "-%d\n", (int)f.pid);
		ck_assert_ptr_nonnull(strstr(r.out, header));
		compare(&r, truth, n, true);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	fixture_end(&f);
}

START_TEST(named_executable)
{
	char name[PATH_MAX];

	ck_assert_ptr_nonnull(realpath(live_interpreters(NULL)->path, name));
	count_open_ended(ARGS("--exe", strrchr(name, '/') + 1), 2);
	count_open_ended(ARGS("--exe", "python"), 2);
}
END_TEST

/* What a program has done before pystack could look at it is counted without Python frames, and
 * that is told. */
START_TEST(not_looked_at_yet)
{
	const struct interpreter *in = live_interpreters(NULL);
	char name[PATH_MAX], truth[PATH_MAX];
	struct fixture f;
	struct observer o;
	struct run r;

	ck_assert_ptr_nonnull(realpath(in->path, name));
	if (!observer_start(
		&o, ARGS("pystack", "-v", "-c", "--at", "syscall:rmdir", "--exe", strrchr(name, '/') + 1))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		return;
	}
	ck_assert_int_eq(kill(o.pid, SIGSTOP), 0);
	fixture_start(
	    &f, in, &(struct fixture_options){ .alone = true }, ARGS("@probed_family.py", "alone", "%"));
	fixture_echo(&f);
	ck_assert_int_eq(kill(o.pid, SIGCONT), 0);
	(void)snprintf(truth, sizeof(truth), "%s/truth", f.dir);
	r = observer_end(&o);
	ck_assert_msg(count_unknown(r.out) > 0 && r.status == 1, "%d: %s%s", r.status, r.err, r.out);
	compare(&r, truth, 1, true);
	fixture_end(&f);
}
END_TEST

START_TEST(every_python)
{
	count_open_ended(ARGS("--all"), 2);
}
END_TEST

/* In a pid namespace the ids are those that pystack sees there: it is process 1, the command 2. */
START_TEST(inside_of_a_container)
{
	const struct interpreter *in = live_interpreters(NULL);
	char program[PATH_MAX], truth[PATH_MAX];
	struct run r;

	(void)snprintf(program, sizeof(program), "%s/probed_family.py", spawn_programs());
	(void)snprintf(truth, sizeof(truth), "%s/truth-container", spawn_folder());
	r = run_program(
	    NULL, ARGS("unshare", "-p", "-f", "--mount-proc", spawn_tool(), "-r", "--at", "syscall:rmdir",
		      "-N", "1", "--when", "pid == 2 && tid == 2", "--", in->path, program, "fork", truth));
	if (r.status == 2 || r.status == 127) {
		(void)printf("SKIP: %s", r.err);
		run_free(&r);
		return;
	}
	ck_assert_msg(
	    strstr(r.out, " 2/2 [") != NULL && strstr(r.out, "(by_parent)") != NULL, "%s%s", r.out, r.err);
	run_free(&r);
	(void)unlink(truth);
	r = run_program(NULL, ARGS("unshare", "-p", "-f", "--mount-proc", spawn_tool(), "-r", "-c", "--at",
				  "syscall:rmdir", "--", in->path, program, "fork", truth));
	compare(&r, truth, 3, false);
	r = run_program(NULL, ARGS("unshare", "-p", "-f", spawn_tool(), "--at", "syscall:rmdir", "1"));
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "/proc is that of another pid namespace"));
	run_free(&r);
}
END_TEST

/* A process in a container, from outside. */
START_TEST(outside_of_a_container)
{
	const struct fixture_options own = { .alone = true, .pid_namespace = true };

	count_with("fork", "-r", 3, &own);
}
END_TEST

/* Without a probe: what there is now. */
START_TEST(present_processes)
{
	struct fixture f;
	struct run r;
	char pid[16], line[32], name[PATH_MAX];
	size_t n = 0;

	ck_assert_ptr_nonnull(realpath(live_interpreters(NULL)->path, name));
	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@probed_family.py", "workers", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)snprintf(line, sizeof(line), "\n%d:\t", (int)f.pid);
	r = TOOL("-r", pid);
	ck_assert_int_eq(r.status, 0);
	ck_assert_int_eq(strncmp(r.out, line + 1, strlen(line + 1)), 0);
	for (const char *at = r.out; (at = strstr(at, " (worker) ]")) != NULL; at++)
		n++;
	ck_assert_uint_eq(n, 3);
	run_free(&r);
	r = TOOL("-p", "--exe", strrchr(name, '/') + 1);
	ck_assert_ptr_nonnull(strstr(r.out, line));
	run_free(&r);
	r = TOOL("-p", "--all");
	ck_assert_ptr_nonnull(strstr(r.out, line));
	run_free(&r);
	fixture_end(&f);
	r = TOOL("--exe", "no-such-program");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.out, "");
	run_free(&r);
}
END_TEST

/* What cannot be started is told in a line. */
START_TEST(no_command)
{
	struct run r = TOOL("--at", "profile:97", "--", "no-such-command", "-x");

	if (strstr(r.err, "cannot run") == NULL) {
		(void)printf("SKIP: %s", r.err);
	} else {
		ck_assert_str_eq(r.err, "pystack: cannot run no-such-command: command not found\n");
		ck_assert_str_eq(r.out, "");
		ck_assert_int_eq(r.status, 2);
	}
	run_free(&r);
	r = TOOL("--at", "profile:97", "1", "--", "true");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "a command"));
	run_free(&r);
}
END_TEST

/* The command ends with the measurement. */
START_TEST(command_is_ended)
{
	struct observer o;
	struct run r;

	if (!observer_start(&o,
		ARGS("pystack", "-v", "-c", "--at", "syscall:rmdir", "-d", "1ms", "--", "sleep", "1000"))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		return;
	}
	r = observer_wait(&o);
	ck_assert_msg(r.status == 0, "%s", r.err);
	run_free(&r);
}
END_TEST

/* One that does not end is not waited for after another interrupt. */
START_TEST(command_is_left)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct observer o;
	char line[16] = "";
	size_t n = 0;
	pid_t pid;

	if (!observer_start(&o, ARGS("pystack", "-v", "-c", "--at", "syscall:rmdir", "--", "sh", "-c",
				    "trap '' TERM; echo $$; exec sleep 1000"))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		return;
	}
	while (n + 1 < sizeof(line) && read(o.out, line + n, 1) == 1 && line[n] != '\n')
		n++;
	pid = (pid_t)strtol(line, NULL, 10);
	ck_assert_int_gt(pid, 1);
	ck_assert_int_eq(kill(o.pid, SIGTERM), 0);
	while (waitpid(o.pid, NULL, WNOHANG) == 0) {
		(void)kill(o.pid, SIGINT);
		(void)nanosleep(&pause, NULL);
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	(void)close(o.out);
	(void)close(o.err);
}
END_TEST

/* How it has failed is told, and is not pystack's failure. */
START_TEST(command_fails)
{
	struct run r = TOOL("-c", "--at", "syscall:rmdir", "--", "sh", "-c", "exit 3");

	if (r.status == 2) {
		(void)printf("SKIP: %s", r.err);
	} else {
		ck_assert_msg(r.status == 0, "%s", r.err);
		ck_assert_ptr_nonnull(strstr(r.err, "sh exited with status 3\n"));
	}
	run_free(&r);
}
END_TEST

/* A probe whose code nobody maps cannot be met: that is told, and fails. */
START_TEST(nobody_maps)
{
	static const char *const names[][2] = {
		{ "uprobe:libno-such.so.1:f", "pystack: --at uprobe:libno-such.so.1:f: no process was seen "
					      "to map this file\n" },
		{ "uprobe:/proc/self/exe:main", "pystack: --at uprobe:/proc/self/exe:main: no process was "
						"seen to map this file\n" },
		{ "python:gc-start", "pystack: --at python:gc-start: no process was seen to run Python\n" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct run r = TOOL("-c", "--at", names[i][0], "--", "true");

		if (r.status == 2) {
			(void)printf("SKIP: %s", r.err);
		} else {
			ck_assert_str_eq(r.err, names[i][1]);
			ck_assert_int_eq(r.status, 1);
		}
		run_free(&r);
	}
}
END_TEST

/* One that is mapped and not met is no failure. */
START_TEST(nobody_calls)
{
	struct run r = TOOL("-c", "--at", "uprobe:libc.so.6:rmdir", "--", "true");

	if (r.status == 2)
		(void)printf("SKIP: %s", r.err);
	else
		ck_assert_msg(r.status == 0 && r.err[0] == '\0', "%s", r.err);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("observed processes");
	TCase *c = tcase_create("processes");
	size_t n;

	tcase_set_timeout(c, 120);
	(void)live_interpreters(&n);
	if (n > 0 && live_speaks(live_interpreters(NULL))) {
		tcase_add_test(c, command);
		tcase_add_test(c, children);
		tcase_add_test(c, workers);
		tcase_add_test(c, named_executable);
		tcase_add_test(c, no_executable_yet);
		tcase_add_test(c, not_looked_at_yet);
		tcase_add_test(c, every_python);
		tcase_add_test(c, later_threads);
		tcase_add_test(c, selected_threads);
		tcase_add_test(c, present_processes);
		tcase_add_test(c, inside_of_a_container);
		tcase_add_test(c, outside_of_a_container);
	}
	tcase_add_test(c, no_command);
	tcase_add_test(c, command_is_ended);
	tcase_add_test(c, command_is_left);
	tcase_add_test(c, command_fails);
	tcase_add_test(c, nobody_maps);
	tcase_add_test(c, nobody_calls);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
