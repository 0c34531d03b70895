/* Source lines (--source) of tasks, of samples and at probes. What is printed is compared with the
 * file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "support/live.h"
#include "support/observer.h"

static const char frame_mark[] = "                [ ", source_mark[] = "                  | ";

/* The line `number` of a file, without what it begins with; n bytes. */
static bool line_of(const char *path, unsigned number, char *out, size_t n)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	for (unsigned i = 1; file != NULL && getline(&line, &size, file) > 0 && !found; i++) {
		found = i == number;
		if (found)
			(void)snprintf(out, n, "%s", line + strspn(line, " "));
	}
	if (file != NULL)
		(void)fclose(file);
	free(line);
	return found;
}

/* The frames of functions of one file are followed by their lines of it. Returns their number. */
static unsigned judge_lines(const char *text, const char *path)
{
	unsigned found = 0;

	for (const char *at = text; (at = strstr(at, frame_mark)) != NULL; at++) {
		const char *place = at + strlen(frame_mark), *next = strchr(at, '\n');
		char want[1000], name[1000];
		unsigned number;

		if (strncmp(place, path, strlen(path)) != 0 ||
		    sscanf(place + strlen(path), ":%u (%999[^)])", &number, name) != 2)
			continue;
		ck_assert_msg(line_of(path, number, want, sizeof(want)), "%.200s", place);
		ck_assert_msg(next != NULL && strncmp(next + 1, source_mark, strlen(source_mark)) == 0 &&
				  strncmp(next + 1 + strlen(source_mark), want, strlen(want)) == 0,
		    "line %u is %s: %.400s", number, want, at);
		found++;
	}
	return found;
}

static void judge(struct run r, const char *path, unsigned least)
{
	unsigned found;

	ck_assert_msg(r.status == 0, "exit %d: %s", r.status, r.err);
	found = judge_lines(r.out, path);
	ck_assert_msg(found >= least, "%u frames with lines: %s", found, r.out);
	run_free(&r);
}

/* Start a program. path: its own. */
static void start(struct fixture *f, const char *name, bool no_rest, char path[PATH_MAX])
{
	const struct interpreter *in = &live_interpreters(NULL)[0];
	char argument[64];

	(void)snprintf(argument, sizeof(argument), "@%s", name);
	fixture_start(f, in, &(struct fixture_options){ .no_rest = no_rest }, ARGS(argument, "%"));
	(void)snprintf(path, PATH_MAX, "%s/%s", spawn_programs(), name);
}

START_TEST(of_tasks)
{
	char path[PATH_MAX], pid[16];
	struct fixture f;

	start(&f, "tasks.py", false, path);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	judge(TOOL("-a", "--source", "-p", pid), path, 8);
	judge(TOOL("-a", "--source", "-pc", pid), path, 8);
	fixture_end(&f);
}
END_TEST

START_TEST(of_samples)
{
	char path[PATH_MAX], pid[16];
	struct fixture f;

	start(&f, "spin.py", true, path);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	judge(TOOL("-i", "5ms", "-d", "300ms", "--idle", "--no-bpf", "--source", pid), path, 2);
	fixture_end(&f);
}
END_TEST

START_TEST(at_a_probe)
{
	char path[PATH_MAX], pid[16];
	struct observer o;
	struct fixture f;

	start(&f, "probed_output.py", true, path);
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (observer_start(&o, ARGS("pystack", "-v", "--source", "--at", "syscall:write", pid))) {
		fixture_echo(&f);
		judge(observer_end(&o), path, 1);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("source ways");
	TCase *c = tcase_create("source ways");

	tcase_set_timeout(c, 300);
	tcase_add_test(c, of_tasks);
	tcase_add_test(c, of_samples);
	tcase_add_test(c, at_a_probe);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
