/* One interpreter list per test program, made before libcheck forks. */
#include "support/live.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/json_lines.h"
#include "support/run_suite.h"
#include "support/spawn_files.h"

static struct {
	struct interpreter at[32];
	size_t n;
} found;

const struct interpreter *live_interpreters(size_t *n)
{
	if (n != NULL)
		*n = found.n;
	return found.at;
}

bool live_speaks(const struct interpreter *in)
{
	return in->major == 2 ? in->minor >= 7 : in->minor >= 6;
}

void live_add(TCase *c, const TTest *test)
{
	for (size_t i = 0; i < found.n; i++) {
		if (live_speaks(&found.at[i]))
			tcase_add_loop_test(c, test, (int)i, (int)i + 1);
	}
}

void live_judge(const char *what, struct strbuf *wrong)
{
	char text[3500];

	(void)snprintf(text, sizeof(text), "%s", strbuf_text(wrong));
	strbuf_free(wrong);
	if (text[0] != 0)
		ck_abort_msg("%s:\n%s", what, text);
}

struct run live_look(const struct fixture *f, const char *option, const char *awake)
{
	char pid[16];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	r = option == NULL ? TOOL(pid) : TOOL(option, pid);
	for (int i = 1; i < 20 && strstr(r.out, awake) != NULL; i++) {
		run_free(&r);
		fixture_settle(f->pid);
		r = option == NULL ? TOOL(pid) : TOOL(option, pid);
	}
	return r;
}

/* Translate TIDs in the target's namespace to ours: the last number in NSpid is the target's, the
 * name of the task directory ours. */
static void translate(pid_t pid, struct truth *t)
{
	char path[PATH_MAX], text[4096];
	struct dirent *entry;
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	ck_assert_ptr_nonnull(tasks);
	while ((entry = readdir(tasks)) != NULL) {
		const char *line;
		long ours, theirs;

		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, entry->d_name);
		if (!spawn_head(path, text, sizeof(text)) || (line = strstr(text, "NSpid:")) == NULL ||
		    sscanf(line, "NSpid: %ld %ld", &ours, &theirs) != 2)
			continue;
		for (size_t i = 0; i < t->threads.n; i++) {
			if (t->threads.at[i].tid == -theirs)
				t->threads.at[i].tid = ours;
		}
	}
	(void)closedir(tasks);
}

void live_compare(const struct fixture *f, struct run *r, const char *head, int flags, struct output *out,
    struct strbuf *wrong)
{
	struct truth truth = truth_read(f->dir);
	long pid;

	if (f->init != 0) {
		/* Negative until translated. */
		for (size_t i = 0; i < truth.threads.n; i++)
			truth.threads.at[i].tid = -truth.threads.at[i].tid;
		translate(f->pid, &truth);
	}
	pid = truth.threads.n == 0 ? 0 : truth.threads.at[0].tid;

	*out = output_parse(r->out, pid);
	if (r->status != 0 || r->err[0] != 0)
		strbuf_fmt(wrong, "exit %d, stderr %.1000s\n", r->status, r->err);
	if (out->head == NULL || strncmp(out->head, head, strlen(head)) != 0)
		strbuf_fmt(wrong, "first line %s\n", out->head == NULL ? "missing" : out->head);
	truth_compare(&truth, out, flags, wrong);
	run_free(r);
	truth_free(&truth);
}

bool live_core(struct fixture *f, char core[PATH_MAX])
{
	const char *why = "";
	bool is_written = fixture_core(f, SIGABRT, core, &why);

	if (!is_written)
		(void)printf("SKIP: core of %s: %s\n", f->in->label, why);
	return is_written;
}

struct run live_tasks_of_core(const struct fixture *f, const char *options, const char *core)
{
	const struct run_options opt = { .cwd = f->dir };

	return f->in->root[0] == '\0' ? run_tool(&opt, ARGS(options, core))
				      : run_tool(&opt, ARGS(options, "--sysroot", f->in->root, core));
}

const char *live_no_bpftrace(void)
{
	if (geteuid() != 0)
		return "needs root";
	if (access("/usr/bin/bpftrace", X_OK) != 0)
		return "no bpftrace";
	if (access("/sys/kernel/tracing/events", F_OK) != 0) {
		struct run r =
		    run_program(NULL, ARGS("mount", "-t", "tracefs", "nodev", "/sys/kernel/tracing"));

		run_free(&r);
	}
	if (access("/sys/kernel/tracing/events/syscalls/sys_enter_rmdir", F_OK) != 0)
		return "this kernel has no tracepoint sys_enter_rmdir";
	return NULL;
}

void live_tool_in_path(void)
{
	const char *tool = spawn_tool(), *path = getenv("PATH");
	char text[2 * PATH_MAX];

	(void)snprintf(text, sizeof(text), "%.*s:%s", (int)(strrchr(tool, '/') - tool), tool,
	    path == NULL ? "/usr/bin:/bin" : path);
	ck_assert_int_eq(setenv("PATH", text, 1), 0);
}

enum json { JSON_NONE, JSON_ADDED, JSON_ALL };

static int run_live(Suite *(*suite)(void), enum json json)
{
	int status;

	if (!spawn_init())
		return 2;
	found.n = roots_find(found.at, sizeof(found.at) / sizeof(found.at[0]), 1);
	if (found.n == 0)
		(void)puts("SKIP: no Python 2.4 or newer found");
	if (json != JSON_NONE)
		json_lines_begin(json == JSON_ALL);
	status = run_made_suite(suite());
	if (!json_lines_are_right())
		status = EXIT_FAILURE;
	spawn_fini();
	return status;
}

int live_main(Suite *(*suite)(void))
{
	return run_live(suite, JSON_NONE);
}

int live_json_main(Suite *(*suite)(void))
{
	return run_live(suite, JSON_ALL);
}

int live_added_json_main(Suite *(*suite)(void))
{
	return run_live(suite, JSON_ADDED);
}
