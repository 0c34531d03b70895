/* The recipes of the manual (EXAMPLES) for probes, on programs that tell what they do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/live.h"
#include "support/observer.h"
#include "support/spawn_files.h"

/* Run `program` under pystack with these arguments, in which "%" stands for its pid. False: it
 * cannot be observed, and a message was printed. The caller frees *r. */
static bool observe(
    const struct interpreter *in, const char *program, struct run *r, const char *const args[])
{
	const char *all[24] = { NULL };
	struct fixture f;
	struct observer o;
	char pid[16];
	bool ok;

	fixture_start(&f, in, &(struct fixture_options){ .alone = true }, ARGS(program, "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (size_t i = 0; args[i] != NULL; i++) {
		ck_assert_uint_lt(i + 1, sizeof(all) / sizeof(all[0]));
		all[i] = strcmp(args[i], "%") == 0 ? pid : args[i];
	}
	ok = observer_start(&o, all);
	if (ok) {
		fixture_echo(&f);
		*r = observer_end(&o);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	fixture_end(&f);
	return ok;
}

#define OBSERVE(program, r, ...) \
	observe(live_interpreters(NULL), program, r, ARGS("pystack", "-v", __VA_ARGS__, "%"))

static const char mark[] = "(waits for the GIL";

/* The sum of the counts of stacks that are marked, or not, with this innermost Python function. */
static long count_marked(const char *text, bool marked, const char *name)
{
	char *copy = strdup(text), *rest = copy, *block;
	long sum = 0;

	ck_assert_ptr_nonnull(copy);
	if (text[0] != '\0')
		copy[strlen(copy) - 1] = '\0';
	while ((block = rest) != NULL) {
		rest = strstr(block + 1, "\n\n");
		if (rest != NULL)
			*rest++ = '\0';
		if ((strstr(block, mark) != NULL) == marked) {
			char *last = strrchr(block, '\n');
			char whole[64];

			(void)snprintf(whole, sizeof(whole), " (%s) ]", name);
			if (last != NULL && strstr(block, whole) != NULL)
				sum += strtol(last, NULL, 10);
		}
	}
	free(copy);
	return sum;
}

/* Contention for the GIL: of two threads that compute, one waits at a time. */
START_TEST(gil_contention)
{
	static const char frame[] = ")\n                [ ";
	bool has_frame = false;
	const char *line;
	struct run r;

	if (!OBSERVE("@probed_gil.py", &r, "-c", "--at", "off-cpu"))
		return;
	ck_assert_msg(count_marked(r.out, true, "spin") >= 50000, "%ld us; %s",
	    count_marked(r.out, true, "spin"), r.err);
	ck_assert_int_eq(count_marked(r.out, true, "nap"), 0);
	ck_assert_msg(count_marked(r.out, false, "nap") >= 100000, "%s%s", r.out, r.err);
	run_free(&r);
	if (!OBSERVE("@probed_gil.py", &r, "-p", "--at", "off-cpu"))
		return;
	/* A thread that begins has no frame yet. */
	for (line = r.out; line != NULL && !has_frame;) {
		line = strstr(line, "(waits for the GIL held by ");
		line = line == NULL ? NULL : strchr(line, ')');
		has_frame = line != NULL && strncmp(line, frame, strlen(frame)) == 0;
	}
	ck_assert_msg(has_frame, "%s%s", r.out, r.err);
	run_free(&r);
}
END_TEST

/* Who collects garbage, and how long it takes. */
START_TEST(collections)
{
	struct run r;

	if (!OBSERVE("@probed_output.py", &r, "-c", "--at", "python:gc-done", "--sum", "duration"))
		return;
	ck_assert_msg(observer_count(r.out, "collect") > 0, "%s", r.out);
	run_free(&r);
}
END_TEST

/* As DTrace's jstack(5): the stack has five native frames, then dots. */
START_TEST(few_frames)
{
	struct run r;

	if (!OBSERVE("@probed_output.py", &r, "-N", "1", "-n", "5", "--at", "syscall:write"))
		return;
	ck_assert_ptr_nonnull(strstr(r.out, "\n              ...\n"));
	run_free(&r);
}
END_TEST

/* Which code reads and writes the disk. */
START_TEST(disk)
{
	struct run r = TOOL("--list=tracepoint:block:block_rq_issue");
	bool there = strstr(r.out, "block_rq_issue") != NULL;

	run_free(&r);
	if (!there) {
		(void)printf("SKIP: no tracepoint block_rq_issue\n");
		return;
	}
	if (!OBSERVE("@probed_disk.py", &r, "-p", "--at", "tracepoint:block:block_rq_issue", "--when",
		"bytes > 0"))
		return;
	/* A file system in memory has no requests. */
	if (strstr(r.out, "block:block_rq_issue(dev=") != NULL)
		ck_assert_msg(strstr(r.out, " (save) ]\n") != NULL, "%s", r.out);
	else
		(void)printf("SKIP: no request to a disk\n");
	run_free(&r);
}
END_TEST

static void functions_refused(void)
{
	struct fixture f;
	struct run r;
	char pid[16];

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@probed_output.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("--at", "python:function-entry", pid);
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.out, "");
	ck_assert_msg(strstr(r.err, "BPF") != NULL || strstr(r.err, "bpf") != NULL ||
			  (strstr(r.err, "profile:") != NULL && strstr(r.err, "uprobe:") != NULL),
	    "%s", r.err);
	run_free(&r);
	fixture_end(&f);
}

/* Which function is entered, with its file: a probe that few interpreters have, and that 3.11 meets
 * at few functions only: there it is refused. */
START_TEST(functions_entered)
{
	const struct interpreter *in = live_interpreters(NULL);
	struct run r;

	if (in->major == 3 && in->minor == 11) {
		functions_refused();
		return;
	}
	if (!OBSERVE("@probed_output.py", &r, "-p", "--at", "python:function-entry", "--when",
		"funcname == \"collect\""))
		return;
	if (strstr(r.out, "python:function-entry(") != NULL)
		ck_assert_msg(strstr(r.out, "probed_output.py\", \"collect\", ") != NULL, "%s", r.out);
	else
		(void)printf("SKIP: the interpreter does not reach function-entry\n");
	run_free(&r);
}
END_TEST

/* The two most frequent stacks of write(2) in a command. */
START_TEST(writes_of_a_clone)
{
	char dir[64] = "/tmp/pystack-hg-XXXXXX", make[256], to[80];
	struct run r;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(make, sizeof(make),
	    "hg --version -q >/dev/null 2>&1 && hg init %s/project && cd %s/project && echo x >file && "
	    "HGUSER=test hg commit -q -A -m first",
	    dir, dir);
	(void)snprintf(to, sizeof(to), "%s/copy", dir);
	if (system(make) != 0) {
		(void)printf("SKIP: no hg\n");
	} else {
		(void)strcat(dir, "/project");
		r = TOOL(
		    "--at", "syscall:write", "-c", "-t", "2", "--", "hg", "clone", "-q", "--pull", dir, to);
		*strrchr(dir, '/') = '\0';
		if (r.status == 2)
			(void)printf("SKIP: %s", r.err);
		else
			ck_assert_msg(strstr(r.out, "mercurial/") != NULL, "%s%s", r.out, r.err);
		run_free(&r);
	}
	spawn_remove(dir);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("recipes");
	TCase *c = tcase_create("recipes");
	size_t n;

	tcase_set_timeout(c, 120);
	(void)live_interpreters(&n);
	if (n > 0 && live_speaks(live_interpreters(NULL))) {
		tcase_add_test(c, gil_contention);
		tcase_add_test(c, collections);
		tcase_add_test(c, few_frames);
		tcase_add_test(c, disk);
		tcase_add_test(c, functions_entered);
		tcase_add_test(c, writes_of_a_clone);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
