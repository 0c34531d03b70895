/* Targets in unusual circumstances: stopped, traced, in another mount namespace, with replaced
 * files, stopped by an action of a tracer. */
#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/live.h"
#include "support/oracle.h"
#include "support/victim.h"
#include "support/spawn_files.h"

/* The tool on f, against its truth; bad: text that must not occur. */
static void check(struct fixture *f, const char *bad)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct output out;
	char pid[16], head[32];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	(void)snprintf(head, sizeof(head), "%s:\t", pid);
	r = TOOL(pid);
	if (bad != NULL && strstr(r.out, bad) != NULL)
		strbuf_fmt(&wrong, "%s occurs\n", bad);
	live_compare(f, &r, head, 0, &out, &wrong);
	output_free(&out);
	live_judge(f->in->label, &wrong);
}

static void copy(const char *from, const char *to)
{
	struct run r = run_program(NULL, ARGS("cp", "-L", from, to));

	ck_assert_msg(r.status == 0, "%s", r.err);
	run_free(&r);
}

/* The libpython that an interpreter of pyenv loads, or false: it has it built in. */
static bool library_of(const struct interpreter *in, char path[PATH_MAX], char name[64])
{
	char folder[256];
	size_t bin;

	(void)snprintf(folder, sizeof(folder), "%s", in->path);
	bin = strlen(folder) - strlen(strstr(folder, "/bin/") == NULL ? "" : strstr(folder, "/bin/"));
	folder[bin] = 0;
	(void)snprintf(name, 64, "libpython%d.%d%s.so.1.0", in->major, in->minor,
	    in->major == 3 && in->minor >= 2 && in->minor <= 7 ? "m" : "");
	(void)snprintf(path, PATH_MAX, "%s/lib/%s", folder, name);
	return in->root[0] == 0 && access(path, R_OK) == 0;
}

/* An upgrade under a running process: another file has its library's name, or none has. */
static void replaced(const struct interpreter *in, bool deleted)
{
	char original[PATH_MAX], name[64], folder[PATH_MAX], mine[PATH_MAX + 80], other[PATH_MAX + 80];
	struct fixture f;

	if (!library_of(in, original, name))
		return;
	(void)snprintf(folder, sizeof(folder), "%s/lib%s%d", spawn_folder(), in->label, deleted);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	(void)snprintf(mine, sizeof(mine), "%s/%s", folder, name);
	(void)snprintf(other, sizeof(other), "%s/other", folder);
	copy(original, mine);
	fixture_start(&f, in, &(struct fixture_options){ .library_path = folder }, ARGS("@scenes.py", "%"));
	if (deleted) {
		ck_assert_int_eq(unlink(mine), 0);
	} else {
		copy("/usr/bin/cat", other);
		ck_assert_int_eq(rename(other, mine), 0);
	}
	check(&f, "(deleted)");
	fixture_echo(&f);
	fixture_end(&f);
	spawn_remove(folder);
}

START_TEST(library_replaced)
{
	replaced(&live_interpreters(NULL)[_i], false);
}
END_TEST

START_TEST(library_deleted)
{
	replaced(&live_interpreters(NULL)[_i], true);
}
END_TEST

/* As distributions ship it: only exported functions have names. */
START_TEST(library_stripped)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char original[PATH_MAX], name[64], folder[PATH_MAX], mine[PATH_MAX + 80];
	struct fixture f;
	struct run r;

	if (!library_of(in, original, name))
		return;
	(void)snprintf(folder, sizeof(folder), "%s/stripped%s", spawn_folder(), in->label);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	(void)snprintf(mine, sizeof(mine), "%s/%s", folder, name);
	copy(original, mine);
	r = run_program(NULL, ARGS("strip", mine));
	ck_assert_msg(r.status == 0, "%s", r.err);
	run_free(&r);
	fixture_start(&f, in, &(struct fixture_options){ .library_path = folder }, ARGS("@scenes.py", "%"));
	check(&f, NULL);
	fixture_end(&f);
	spawn_remove(folder);
}
END_TEST

/* The executable has a name that is another file, or nothing, in our own namespace. */
START_TEST(other_mount_namespace)
{
	const struct interpreter *in = live_interpreters(NULL);
	char folder[PATH_MAX], python[PATH_MAX + 20];
	struct fixture f;

	if (spawn_no_mounts() != NULL || in->path[0] == 0) {
		(void)printf("SKIP: another mount namespace: %s\n",
		    in->path[0] == 0 ? "no Python" : spawn_no_mounts());
		return;
	}
	(void)snprintf(folder, sizeof(folder), "%s/mnt", spawn_folder());
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	(void)snprintf(python, sizeof(python), "%s/python3", folder);
	copy(in->path, python);
	/* The interpreter finds its library by its place: /mnt/python3 has none around. */
	ck_assert_int_eq(setenv("PYTHONHOME", "/usr", 1), 0);
	fixture_start(&f, in, &(struct fixture_options){ .mnt = folder, .executable = "/mnt/python3" },
	    ARGS("@scenes.py", "%"));
	ck_assert_int_eq(unsetenv("PYTHONHOME"), 0);
	check(&f, NULL);
	fixture_echo(&f);
	fixture_end(&f);
	spawn_remove(folder);
}
END_TEST

/* Its TIDs are not ours, neither in memory nor in its own account. */
START_TEST(other_pid_namespace)
{
	struct fixture f;

	if (spawn_no_mounts() != NULL) {
		(void)printf("SKIP: another pid namespace: %s\n", spawn_no_mounts());
		return;
	}
	fixture_start(&f, &live_interpreters(NULL)[_i], &(struct fixture_options){ .pid_namespace = true },
	    ARGS("@scenes.py", "%"));
	check(&f, NULL);
	fixture_echo(&f);
	fixture_end(&f);
}
END_TEST

START_TEST(stopped)
{
	struct fixture f;
	char path[64], task[512];

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@scenes.py", "%"));
	(void)kill(f.pid, SIGSTOP);
	ck_assert_int_eq(waitpid(f.pid, &(int){ 0 }, WUNTRACED), f.pid);
	check(&f, NULL);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)f.pid);
	ck_assert(spawn_head(path, task, sizeof(task)));
	ck_assert_ptr_nonnull(strstr(task, "State:\tT (stopped)"));
	(void)kill(f.pid, SIGCONT);
	fixture_echo(&f);
	fixture_end(&f);
}
END_TEST

static bool is_x86_64(const struct interpreter *in)
{
	enum { CLASS = 4, CLASS_64 = 2 };
	char path[1024], head[CLASS + 2];

	(void)snprintf(path, sizeof(path), "%s%s", in->root, in->path);
	return spawn_head(path, head, sizeof(head)) && head[CLASS] == CLASS_64;
}

/* Stop f until its thread is in the vDSO. False: it never was. */
static bool stop_in_vdso(const struct fixture *f)
{
	enum { TRIES = 2000 };
	char line[PATH_MAX], call[256], path[64];
	unsigned long lo = 0, hi = 0, pc;
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)f->pid);
	maps = fopen(path, "re");
	ck_assert_ptr_nonnull(maps);
	while (hi == 0 && fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, "[vdso]") != NULL)
			ck_assert_int_eq(sscanf(line, "%lx-%lx", &lo, &hi), 2);
	}
	(void)fclose(maps);
	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", (int)f->pid);
	for (int i = 0; i < TRIES; i++) {
		(void)kill(f->pid, SIGSTOP);
		ck_assert_int_eq(waitpid(f->pid, &(int){ 0 }, WUNTRACED), f->pid);
		ck_assert(spawn_head(path, call, sizeof(call)));
		if (sscanf(call, "-1 %*x %lx", &pc) == 1 && lo <= pc && pc < hi)
			return true;
		(void)kill(f->pid, SIGCONT);
		(void)sched_yield();
	}
	return false;
}

/* Without registers the walk cannot pass code that nothing describes. A stopped LWP is held to get
 * them like any other, and stays stopped afterwards. */
START_TEST(stopped_above_made_code)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;

	if (in->major < 3 || in->minor < 11 || !is_x86_64(in))
		return;
	fixture_start(
	    &f, in, &(struct fixture_options){ .alone = true, .no_rest = true }, ARGS("@made_code.py", "%"));
	if (stop_in_vdso(&f)) {
		check(&f, "no unwind information");
		ck_assert(victim_settles(f.pid, f.pid, 'T'));
	} else {
		(void)printf("SKIP: %s: never stopped in the vDSO\n", in->label);
	}
	(void)kill(f.pid, SIGCONT);
	fixture_end(&f);
}
END_TEST

/* A thread that runs under another tracer cannot be held. The message names the tracer. */
START_TEST(traced_and_running)
{
	struct victim v = victim_start(victim_spinning, 0);
	char pid[16], tracer[32];
	struct run r;

	oracle_leave_out(); /* it is traced until its end, so its registers cannot be read */
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, v.pid, NULL, NULL), 0);
	(void)snprintf(pid, sizeof(pid), "%d", (int)v.pid);
	(void)snprintf(tracer, sizeof(tracer), "(pid %d); detach", (int)getpid());
	r = TOOL(pid);
	ck_assert_int_eq(r.status, 2);
	ck_assert_msg(
	    strstr(r.err, "process is traced") != NULL && strstr(r.err, tracer) != NULL, "%s", r.err);
	run_free(&r);
	victim_end(&v);
}
END_TEST

/* A second run right after the first, many times, while every thread runs: the target survives. */
START_TEST(again_and_again)
{
	struct fixture f;

	if (live_interpreters(NULL)->path[0] == 0)
		return;
	fixture_start(&f, live_interpreters(NULL), NULL, ARGS("@scenes.py", "%"));
	for (int i = 0; i < 20; i++) {
		check(&f, NULL);
		fixture_echo(&f);
		fixture_settle(f.pid);
	}
	fixture_end(&f);
}
END_TEST

/* A tracer's action stops the process in a system call and calls the tool by PATH. */
START_TEST(bpftrace_action)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	const struct run_options opt = { .timeout = 60 };
	struct strbuf wrong = STRBUF_EMPTY;
	char script[300], head[32], *text;
	const char *why = live_no_bpftrace();
	struct output out;
	struct fixture f;
	struct run r;

	if (why != NULL) {
		(void)printf("SKIP: bpftrace on %s: %s\n", in->label, why);
		return;
	}
	live_tool_in_path();
	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@rmdir.py", "%"));
	(void)snprintf(script, sizeof(script),
	    "tracepoint:syscalls:sys_enter_rmdir /pid == %d/ { signal(\"SIGSTOP\"); system(\"pystack %%d\", "
	    "pid); "
	    "exit(); }",
	    (int)f.pid);
	r = run_program(&opt, ARGS("bpftrace", "--unsafe", "-e", script));
	(void)snprintf(head, sizeof(head), "%d:\t", (int)f.pid);
	text = strstr(r.out, head);
	if (text == NULL && r.status != 0) {
		(void)printf("SKIP: bpftrace on %s: exit %d: %.200s\n", in->label, r.status, r.err);
		run_free(&r);
		fixture_end(&f);
		return;
	}
	ck_assert_msg(text != NULL, "%.1000s%.1000s", r.out, r.err);
	/* bpftrace ends its own output with empty lines. */
	text = strdup(text);
	while (strlen(text) > 1 && strcmp(text + strlen(text) - 2, "\n\n") == 0)
		text[strlen(text) - 1] = 0;
	run_free(&r);
	r = (struct run){ .out = text, .err = strdup("") };
	live_compare(&f, &r, head, 0, &out, &wrong);
	if (out.threads.n != 1 || strstr(out.threads.at[0].lines.at[0].text, "rmdir") == NULL)
		strbuf_fmt(&wrong, "rmdir is not innermost\n");
	if (!victim_settles(f.pid, f.pid, 'T'))
		strbuf_fmt(&wrong, "no longer stopped\n");
	output_free(&out);
	fixture_end(&f);
	live_judge(in->label, &wrong);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("targets");
	TCase *c = tcase_create("targets");
	size_t found;
	int n;

	(void)live_interpreters(&found);
	n = (int)found;
	tcase_set_timeout(c, 240);
	tcase_add_loop_test(c, stopped, 0, n);
	tcase_add_loop_test(c, stopped_above_made_code, 0, n);
	tcase_add_test(c, traced_and_running);
	tcase_add_test(c, again_and_again);
	tcase_add_loop_test(c, library_replaced, 0, n);
	tcase_add_loop_test(c, library_deleted, 0, n);
	tcase_add_loop_test(c, library_stripped, 0, n);
	tcase_add_loop_test(c, other_pid_namespace, 0, n);
	tcase_add_test(c, other_mount_namespace);
	tcase_add_loop_test(c, bpftrace_action, 0, n);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
