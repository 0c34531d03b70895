/* Unusual processes: programs that embed Python, several interpreters, several Pythons, and a
 * Python that runs nothing (test/programs/embed.c). */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/live.h"
#include "support/oracle.h"
#include "support/shapes.h"
#include "support/spawn_files.h"
#include "support/victim.h"

static void compare(struct fixture *f, const char *option, int flags)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct output out;
	char pid[16], head[32];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	(void)snprintf(head, sizeof(head), "%s:\t", pid);
	r = option == NULL ? TOOL(pid) : TOOL(option, pid);
	live_compare(f, &r, head, flags, &out, &wrong);
	output_free(&out);
	live_judge(f->in->label, &wrong);
}

static void as_told(int i, const char *shape, bool two)
{
	struct fixture f;

	if (!shape_start(&f, i, shape, two))
		return;
	compare(&f, NULL, 0);
	compare(&f, "-p", COMPARE_PYTHON_ONLY);
	fixture_echo(&f);
	fixture_end(&f);
}

START_TEST(two_pythons)
{
	as_told(_i, "two", true);
}
END_TEST

START_TEST(one_python_calls_another)
{
	as_told(_i, "across", true);
}
END_TEST

START_TEST(one_python_beside_one_not_initialised)
{
	as_told(_i, "beside", true);
}
END_TEST

START_TEST(interpreters_of_one_python)
{
	as_told(_i, "nested", false);
}
END_TEST

START_TEST(attached_without_a_frame)
{
	as_told(_i, "attached", false);
}
END_TEST

START_TEST(finalizing)
{
	as_told(_i, "finalizing", false);
}
END_TEST

START_TEST(starting)
{
	as_told(_i, "starting", false);
}
END_TEST

/* Without an interpreter: native frames, one line about it, and exit status 0. */
static void without_interpreter(int i, const char *shape)
{
	const struct interpreter *in = &live_interpreters(NULL)[i];
	struct strbuf wrong = STRBUF_EMPTY;
	char pid[16], words[128];
	struct output out;
	struct fixture f;
	struct run r;

	if (!shape_start(&f, i, shape, false))
		return;
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)snprintf(words, sizeof(words),
	    "pystack: %s: CPython %d.%d found: it is not initialised (yet, or any more)\n", pid, in->major,
	    in->minor);
	r = TOOL(pid);
	if (r.status != 0 || strcmp(r.err, words) != 0)
		strbuf_fmt(&wrong, "%s: exit %d, %s", shape, r.status, r.err);
	out = output_parse(r.out, f.pid);
	strbuf_str(&wrong, strbuf_text(&out.wrong));
	if (out.threads.n != 2 || strstr(r.out, "[ ") != NULL || strstr(r.out, "embed`main+") == NULL)
		strbuf_fmt(&wrong, "%s:\n%s", shape, r.out);
	output_free(&out);
	run_free(&r);
	fixture_echo(&f);
	fixture_end(&f);
	live_judge(in->label, &wrong);
}

START_TEST(no_interpreter)
{
	without_interpreter(_i, "before");
	without_interpreter(_i, "after");
	without_interpreter(_i, "ending");
}
END_TEST

/* Give the interpreter in a core another version number. Its offsets begin with a cookie and the
 * version. */
static bool renumber(const char *core, uint64_t version)
{
	static const char cookie[] = "xdebugpy";
	enum { CHUNK = 1 << 20, WORD = 8 };
	char *bytes = malloc(CHUNK + 2 * WORD);
	int fd = open(core, O_RDWR), done = 0;
	ssize_t n;

	for (off_t at = 0; bytes != NULL && (n = pread(fd, bytes, CHUNK + 2 * WORD, at)) > 0; at += CHUNK) {
		for (ssize_t i = 0; i + 2 * WORD <= n && i < CHUNK; i += WORD) {
			uint64_t was;

			memcpy(&was, bytes + i + WORD, sizeof(was));
			if (memcmp(bytes + i, cookie, WORD) == 0 && was >> 24 == 3)
				done += pwrite(fd, &version, WORD, at + i + WORD) == WORD;
		}
	}
	free(bytes);
	(void)close(fd);
	return done > 0;
}

/* A minor version that is unknown, with the structures of the newest known one. */
START_TEST(newer_version)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct strbuf wrong = STRBUF_EMPTY;
	const char *why;
	char core[PATH_MAX], path[PATH_MAX];
	struct truth truth;
	struct output out;
	struct fixture f;
	struct run r;

	if (in->major != 3 || in->minor != 15)
		return;
	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	if (!fixture_core(&f, SIGABRT, core, &why)) {
		(void)printf("SKIP: a newer version: %s\n", why);
		fixture_end(&f);
		return;
	}
	truth = truth_read(f.dir);
	ck_assert(renumber(core, 0x031000f0));
	fixture_path(in, core, path, sizeof(path));
	r = run_tool(&(struct run_options){ .in = in, .cwd = f.dir }, ARGS(path));
	if (r.status != 0 || strstr(r.err, ": CPython 3.16 found: newer than") == NULL)
		strbuf_fmt(&wrong, "exit %d, %s", r.status, r.err);
	out = output_parse(r.out, 0);
	truth_compare(&truth, &out, COMPARE_CORE, &wrong);
	output_free(&out);
	truth_free(&truth);
	run_free(&r);
	fixture_end(&f);
	live_judge(in->label, &wrong);
}
END_TEST

/* All scenes in a program with another name, made of embed_main.c and `link`. Then its file is
 * deleted, then replaced. */
static void renamed(int i, const char *link, const char *flag, const char *strip)
{
	const struct interpreter *in = &live_interpreters(NULL)[i];
	char source[PATH_MAX], program[PATH_MAX], folder[PATH_MAX];
	struct fixture_options opt = { .executable = program, .library_path = folder };
	struct fixture f;
	struct run r;

	(void)snprintf(source, sizeof(source), "%s/embed_main.c", spawn_programs());
	(void)snprintf(program, sizeof(program), "%s/service-%d", spawn_folder(), (int)getpid());
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(link, '/') - link), link);
	r = run_program(
	    NULL, ARGS("cc", "-w", "-rdynamic", "-o", program, flag, strip, source, "-Wl,--whole-archive",
		      link, "-Wl,--no-whole-archive", "-lexpat", "-lz", "-lm", "-ldl", "-lutil", "-pthread"));
	if (r.status != 0) {
		(void)printf("SKIP: a program linked with %s: cc says %.200s\n", link, r.err);
		run_free(&r);
		return;
	}
	run_free(&r);
	fixture_start(&f, in, &opt, ARGS("@scenes.py", "%"));
	compare(&f, NULL, 0);
	ck_assert_int_eq(unlink(program), 0);
	compare(&f, NULL, 0);
	r = run_program(NULL, ARGS("cp", "/bin/true", program));
	run_free(&r);
	compare(&f, NULL, 0);
	fixture_echo(&f);
	fixture_end(&f);
	(void)unlink(program);
}

START_TEST(program_of_another_name)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char library[PATH_MAX];

	if (in->major < 3 || in->minor < 8 || !shape_library(_i, library))
		return; /* no Py_BytesMain before */
	renamed(_i, library, "-pie", "-g");
	(void)snprintf(library, sizeof(library),
	    "/usr/lib/python%d.%d/config-%d.%d-x86_64-linux-gnu/libpython%d.%d.a", in->major, in->minor,
	    in->major, in->minor, in->major, in->minor);
	if (strncmp(in->path, "/usr/bin/", 9) != 0 || access(library, R_OK) != 0)
		return;
	renamed(_i, library, "-no-pie", "-g"); /* Debian's archive can make no other */
	renamed(_i, library, "-no-pie", "-s");
}
END_TEST

/* Frames of compiled code, in any version: each is under the C function that made it, with its
 * line. */
START_TEST(frames_that_the_loop_does_not_run)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char library[PATH_MAX];
	struct fixture f;

	if (in->root[0] != 0) {
		(void)printf(
		    "SKIP: frames of compiled code in %s: the library is not in its root\n", in->label);
		return;
	}
	spawn_built("test/programs/libmade.so", library);
	fixture_start(
	    &f, in, &(struct fixture_options){ .alone = true }, ARGS("@made_frames.py", "%", library));
	compare(&f, NULL, 0);
	compare(&f, "--stop", 0);
	compare(&f, "-p", COMPARE_PYTHON_ONLY);
	fixture_end(&f);
}
END_TEST

/* Does this line name the loop? (Debian's interpreters export it, and so do libraries.) */
static bool is_loop(const struct output_line *line)
{
	return line->kind == LINE_NATIVE && strstr(line->text, "`_PyEval_EvalFrameDefault+") != NULL;
}

/* Remove the lines after the start of a greenlet, so that the rest can be compared. They belong to
 * no known frames: each activation has a remark about that, and at most one remark gives the reason
 * of an early end. */
static void cut_start(struct output_thread *t, bool *found, struct strbuf *wrong)
{
	size_t start = 0, reasons = 0;

	while (start < t->lines.n && strstr(t->lines.at[start].text, "(greenlet starts here; ") == NULL)
		start++;
	*found = start < t->lines.n;
	for (size_t i = start + 1; i < t->lines.n; i++) {
		const struct output_line *line = &t->lines.at[i];
		bool behind_loop = is_loop(&t->lines.at[i - 1]);
		bool bare = strcmp(line->text, "(Python frame unknown)") == 0;

		reasons += line->kind == LINE_OWN && !bare;
		if (line->kind == LINE_PYTHON || bare != behind_loop)
			strbuf_fmt(wrong, "thread %ld behind the start: %s\n", t->tid, line->text);
		if (i == start + 1 && strstr(line->text, "_greenlet.") == NULL)
			strbuf_fmt(wrong, "thread %ld starts in %s\n", t->tid, line->text);
	}
	if (reasons > 1)
		strbuf_fmt(wrong, "thread %ld: %zu reasons to end\n", t->tid, reasons);
	if (*found)
		t->lines.n = start;
}

static bool is_in_greenlet(const struct truth_thread *t)
{
	return t->frames.n > 0 && strstr(t->frames.at[t->frames.n - 1].text, "(c_greenlet_") != NULL;
}

START_TEST(greenlets)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct run r = run_program(
	    &(struct run_options){ .in = in, .own = true }, ARGS(in->path, "-c", "import greenlet"));
	bool there = r.status == 0;
	struct strbuf wrong = STRBUF_EMPTY;
	struct truth truth;
	struct output out;
	struct fixture f;
	char pid[16];

	run_free(&r);
	if (in->major < 3 || !there)
		return;
	fixture_start(&f, in, NULL, ARGS("@greenlets.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	truth = truth_read(f.dir);
	r = TOOL(pid);
	if (r.status != 0 || r.err[0] != 0)
		strbuf_fmt(&wrong, "exit %d, %s", r.status, r.err);
	out = output_parse(r.out, f.pid);
	for (size_t i = 0; i < truth.threads.n; i++) {
		const struct truth_thread *t = &truth.threads.at[i];
		bool found = false;

		for (size_t k = 0; k < out.threads.n; k++) {
			if (out.threads.at[k].tid == t->tid)
				cut_start(&out.threads.at[k], &found, &wrong);
		}
		if (found != is_in_greenlet(t))
			strbuf_fmt(&wrong, "thread %ld: the start of a greenlet %s\n", t->tid,
			    found ? "in a thread that is in none" : "is not said");
	}
	truth_compare(&truth, &out, 0, &wrong);
	output_free(&out);
	truth_free(&truth);
	run_free(&r);
	compare(&f, "-p", COMPARE_PYTHON_ONLY);
	fixture_echo(&f);
	fixture_end(&f);
	live_judge(in->label, &wrong);
}
END_TEST

/* Debian's are installed with the tests; the machine's own interpreter must have it. */
START_TEST(greenlets_are_there)
{
	struct run r = run_program(NULL, ARGS("/usr/bin/python3", "-c", "import greenlet, gevent"));

	if (r.status != 0)
		(void)printf(
		    "SKIP: greenlets of /usr/bin/python3: no packages python3-greenlet and python3-gevent\n");
	run_free(&r);
}
END_TEST

/* --- before an exec --- */

/* The process that waits for its parent's memory: the only child of one of pid's threads. */
static pid_t only_child(pid_t pid)
{
	pid_t tids[16];
	int n = victim_lwps(pid, tids, 16);

	for (int i = 0; i < n; i++) {
		char path[64], text[32];

		(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)tids[i]);
		if (spawn_head(path, text, sizeof(text)) && atoi(text) > 0)
			return (pid_t)atoi(text);
	}
	ck_abort_msg("no child of %d", (int)pid);
}

/* pid against the thread of t that runs Python, as its only one. */
static void compare_alone(const struct fixture *f, pid_t pid, struct truth *t, const char *option, int flags)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct truth one = *t;
	struct output out;
	char number[16];
	struct run r;

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	for (size_t i = 0; i < t->threads.n; i++) {
		if (t->threads.at[i].frames.n != 0)
			one.threads.at = &t->threads.at[i];
	}
	one.threads.n = 1;
	one.threads.at[0].tid = pid;
	r = option == NULL ? TOOL(number) : TOOL(option, number);
	ck_assert_msg(
	    r.status == 0 && r.err[0] == 0, "%s: exit %d: %s%s", f->in->label, r.status, r.err, r.out);
	out = output_parse(r.out, pid);
	truth_compare(&one, &out, flags, &wrong);
	if (wrong.n != 0)
		strbuf_fmt(&wrong, "(%s)\n%s", option == NULL ? "no option" : option, r.out);
	output_free(&out);
	run_free(&r);
	live_judge(f->in->label, &wrong);
}

/* how: the library with which getppid() calls vfork, or "spawn". who: the calling thread, "main" or
 * "thread". */
static void before_exec(int i, const char *how, const char *who)
{
	static const char *const modes[] = { NULL, "--stop", "--no-stop", "--mode=fp" };
	const struct interpreter *in = &live_interpreters(NULL)[i];
	bool spawns = strcmp(how, "spawn") == 0, alone = strcmp(who, "main") == 0;
	struct truth truth;
	struct fixture f;
	pid_t child;

	fixture_start(&f, in, NULL, ARGS("@vforked.py", "%", how, who));
	child = only_child(f.pid);
	fixture_settle(child);
	truth = truth_read(f.dir);
	for (size_t k = 0; k < sizeof(modes) / sizeof(modes[0]); k++) {
		if (alone)
			compare_alone(&f, f.pid, &truth, modes[k], 0);
		/* posix_spawn has a stack of its own, on which frames cannot be placed. */
		if (!spawns)
			compare_alone(&f, child, &truth, modes[k], 0);
	}
	compare_alone(&f, child, &truth, "-p", COMPARE_PYTHON_ONLY);
	truth_free(&truth);
	/* One that waits in vfork cannot be held, and its child has its memory. */
	oracle_leave_out();
	fixture_end(&f);
	(void)kill(child, SIGKILL);
}

/* Can a program below its root load our library? */
static bool vfork_library(int i, char out[PATH_MAX])
{
	const struct interpreter *in = &live_interpreters(NULL)[i];

	spawn_built("test/programs/libvfork.so", out);
	return in->root[0] == 0;
}

START_TEST(in_vfork)
{
	char library[PATH_MAX];

	if (vfork_library(_i, library))
		before_exec(_i, library, "main");
}
END_TEST

START_TEST(in_vfork_of_a_thread)
{
	char library[PATH_MAX];

	if (vfork_library(_i, library))
		before_exec(_i, library, "thread");
}
END_TEST

START_TEST(in_posix_spawn)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];

	if (in->root[0] == 0 && in->major == 3 && in->minor >= 8)
		before_exec(_i, "spawn", "main");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live shapes");
	TCase *c = tcase_create("every interpreter");
	size_t found;
	int n;

	(void)live_interpreters(&found);
	n = (int)found;
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, two_pythons, 0, n);
	tcase_add_loop_test(c, one_python_calls_another, 0, n);
	tcase_add_loop_test(c, one_python_beside_one_not_initialised, 0, n);
	tcase_add_loop_test(c, interpreters_of_one_python, 0, n);
	tcase_add_loop_test(c, attached_without_a_frame, 0, n);
	tcase_add_loop_test(c, starting, 0, n);
	tcase_add_loop_test(c, finalizing, 0, n);
	tcase_add_loop_test(c, no_interpreter, 0, n);
	tcase_add_loop_test(c, program_of_another_name, 0, n);
	tcase_add_loop_test(c, newer_version, 0, n);
	tcase_add_loop_test(c, frames_that_the_loop_does_not_run, 0, n);
	tcase_add_loop_test(c, greenlets, 0, n);
	tcase_add_loop_test(c, in_vfork, 0, n);
	tcase_add_loop_test(c, in_vfork_of_a_thread, 0, n);
	tcase_add_loop_test(c, in_posix_spawn, 0, n);
	tcase_add_test(c, greenlets_are_there);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
