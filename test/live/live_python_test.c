/* Live processes of every interpreter: pystack's output is compared with each fixture's truth,
 * native lines with eu-stack's. Afterwards the target is unchanged and still works. */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/live.h"
#include "support/native.h"
#include "support/oracle.h"
#include "support/victim.h"

/* Run the tool on f and compare everything. */
static void check_stack(struct fixture *f, const char *option, int flags)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct output out;
	char head[32];
	struct run r;

	(void)snprintf(head, sizeof(head), "%d:\t", (int)f->pid);
	/* live_traced_test checks the output for threads that run under another tracer. */
	r = live_look(f, option, "(traced by ");
	live_compare(f, &r, head, flags, &out, &wrong);
	output_free(&out);
	live_judge(f->in->label, &wrong);
}

static void check_native(struct fixture *f)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct output out;
	const char *why = "";
	char pid[16];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	r = TOOL(pid);
	out = output_parse(r.out, f->pid);
	if (native_compare(f->in, f->pid, NULL, NULL, &out, &wrong, &why) < 0)
		(void)printf("SKIP: native frames of %s: %s\n", f->in->label, why);
	output_free(&out);
	run_free(&r);
	live_judge(f->in->label, &wrong);
}

static void check_after(struct fixture *f)
{
	fixture_settle(f->pid);
	ck_assert_int_eq(process_state(f->pid), 'S');
	fixture_echo(f);
}

static void scene(int i, const struct fixture_options *opt, const char *const args[])
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[i], opt, args);
	if (f.pid == 0) {
		(void)printf("SKIP: %s: the interpreter itself aborts on %s\n", f.in->label, args[0] + 1);
		return;
	}
	check_stack(&f, NULL, 0);
	if (opt == NULL || !opt->alone)
		check_after(&f);
	fixture_end(&f);
}

/* A tracer of all threads, in its own process: the end of a traced thread must be reaped by its
 * tracer. */
static pid_t tracer_start(pid_t pid)
{
	char path[32], byte;
	int ready[2];
	pid_t tracer;
	struct dirent *d;
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	ck_assert_int_eq(pipe(ready), 0);
	tracer = fork();
	if (tracer == 0) {
		for (tasks = opendir(path); (d = readdir(tasks)) != NULL;) {
			if (d->d_name[0] != '.' &&
			    ptrace(PTRACE_SEIZE, (pid_t)atoi(d->d_name), NULL, NULL) != 0)
				_exit(1);
		}
		(void)write(ready[1], "!", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return tracer;
}

static void tracer_end(pid_t tracer)
{
	(void)kill(tracer, SIGKILL);
	(void)waitpid(tracer, NULL, 0);
}

/* The ways that are written in words of all versions. */
START_TEST(every_version)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@every_version.py", "%"));
	check_stack(&f, NULL, 0);
	check_stack(&f, "-v", COMPARE_QUALNAME);
	check_stack(&f, "-p", COMPARE_PYTHON_ONLY);
	check_after(&f);
	fixture_end(&f);
}
END_TEST

/* Every scene at once, a thread each; then the same by other options. */
START_TEST(all_scenes)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@scenes.py", "%"));
	check_stack(&f, NULL, 0);
	check_after(&f);
	fixture_end(&f);
}
END_TEST

/* Under another tracer nothing can be held, but blocked threads are read in place. */
START_TEST(all_scenes_traced)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	pid_t tracer;

	/* These builds need registers, for which a traced thread cannot be held. */
	if (strstr(in->path, "2.7-dbg") != NULL || strstr(in->path, "asan") != NULL) {
		(void)printf("SKIP: traced by another: stacks of %s need registers\n", in->label);
		return;
	}
	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@scenes.py", "%"));
	tracer = tracer_start(f.pid);
	check_stack(&f, NULL, 0);
	tracer_end(tracer);
	check_after(&f);
	fixture_end(&f);
}
END_TEST

START_TEST(all_scenes_native)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@scenes.py", "%"));
	(void)kill(f.pid, SIGSTOP);
	while (process_state(f.pid) != 'T')
		(void)sched_yield();
	check_native(&f);
	ck_assert(victim_settles(f.pid, f.pid, 'T'));
	(void)kill(f.pid, SIGCONT);
	fixture_echo(&f);
	fixture_end(&f);
}
END_TEST

START_TEST(all_scenes_qualnames)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@scenes.py", "%"));
	check_stack(&f, "-v", COMPARE_QUALNAME);
	check_stack(&f, "-p", COMPARE_PYTHON_ONLY);
	fixture_end(&f);
}
END_TEST

/* So many that a second thread looks at them ahead: none gets the place or the name of another. */
START_TEST(many_threads)
{
	scene(_i, NULL, ARGS("@many.py", "%"));
}
END_TEST

/* One thread: no header lines. */
START_TEST(one_thread)
{
	scene(_i, &(struct fixture_options){ .alone = true }, ARGS("@scenes.py", "%", "map"));
	scene(_i, &(struct fixture_options){ .alone = true }, ARGS("@scenes.py", "%", "yieldfrom"));
}
END_TEST

/* With -X perf each Python call passes through code made at run time, which has no unwind table. */
START_TEST(trampolines)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char map[PATH_MAX];
	struct fixture f;

	if (in->major < 3 || in->minor < 12)
		return;
	fixture_start(&f, in, NULL, ARGS("-X", "perf", "@scenes.py", "%"));
	check_stack(&f, NULL, 0);
	check_after(&f);
	(void)snprintf(map, sizeof(map), "%s/tmp/perf-%d.map", in->root, (int)f.pid);
	(void)unlink(map);
	fixture_end(&f);
}
END_TEST

START_TEST(from_option_c)
{
	static const char code[] =
	    "import os, truth\ndef f():\n truth.watch(1)\n\n os.read(truth.fd(), 1)\nf()\n";

	scene(_i, NULL, ARGS("-c", code, "%"));
}
END_TEST

START_TEST(from_stdin)
{
	scene(_i, &(struct fixture_options){ .stdin_file = "stdin.py" }, ARGS("-", "%"));
}
END_TEST

START_TEST(at_exit)
{
	scene(_i, NULL, ARGS("@atexit_handler.py", "%"));
}
END_TEST

/* Early 3.14s take a stack that is not the thread's own for an overflow of it. */
START_TEST(alternate_stack)
{
	scene(_i, &(struct fixture_options){ .may_abort = true }, ARGS("@alternate_stack.py", "%", "heap"));
}
END_TEST

/* After the signal frame addresses descend, to frames below the handler's stack, and ascend
 * again. */
START_TEST(alternate_stack_above_the_frames)
{
	scene(_i, &(struct fixture_options){ .may_abort = true }, ARGS("@alternate_stack.py", "%", "above"));
}
END_TEST

START_TEST(deep_recursion)
{
	scene(_i, NULL, ARGS("@deep.py", "%"));
}
END_TEST

/* Two thread states on one thread: the frames of both, interleaved as they run. */
START_TEST(nested_interpreter)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];

	if (in->major < 3 || in->minor < 8)
		return; /* no module of theirs makes one */
	scene(_i, &(struct fixture_options){ .alone = true }, ARGS("@subinterpreter.py", "%"));
}
END_TEST

/* Interpreters with threads of their own, and on threads of the first. */
START_TEST(many_interpreters)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];

	if (in->major < 3 || in->minor < 12)
		return; /* their module cannot do it */
	scene(_i, NULL, ARGS("@subinterpreters.py", "%"));
}
END_TEST

/* gen.throw() through generators: 3.9 and 3.10 link their frames wrongly. */
START_TEST(thrown_through)
{
	if (live_interpreters(NULL)[_i].major < 3)
		return; /* 2.7 has no yield from */
	scene(_i, &(struct fixture_options){ .alone = true }, ARGS("@gen_throw.py", "%"));
}
END_TEST

/* On musl nothing but the registers names the thread that has made a vfork child. */
static bool on_musl(const struct fixture *f)
{
	return strstr(f->in->path, "musl") != NULL;
}

static void forked(int i, const char *how)
{
	struct fixture f;
	struct truth truth;
	pid_t parent;

	fixture_start(&f, &live_interpreters(NULL)[i], NULL, ARGS("@forked.py", "%", how));
	truth = truth_read(f.dir);
	parent = f.pid;
	f.pid = (pid_t)truth.threads.at[0].tid;
	truth_free(&truth);
	fixture_settle(f.pid);
	check_stack(&f, on_musl(&f) ? "--stop" : NULL, 0);
	oracle_judge(oracle_process(f.pid));
	(void)kill(f.pid, SIGKILL);
	f.pid = parent;
	fixture_end(&f);
}

START_TEST(forked_by_python)
{
	forked(_i, "python");
}
END_TEST

START_TEST(forked_by_c)
{
	forked(_i, "c");
}
END_TEST

/* Does t end in p_spin, its callers and nothing else; may it be a call deeper. */
static bool spins(const struct output_thread *t)
{
	static const char *const callers[] = { "(p_spin) ]", "(c_start) ]", "(start) ]", "(run) ]",
		"_bootstrap_inner) ]", "_bootstrap) ]" };
	size_t at = 0;

	for (size_t i = 0; i < t->lines.n; i++) {
		const struct output_line *line = &t->lines.at[i];

		if (line->kind != LINE_PYTHON)
			continue;
		if (at == 0 && strstr(line->text, "(called) ]") != NULL)
			continue;
		if (at == sizeof(callers) / sizeof(callers[0]) || strstr(line->text, callers[at++]) == NULL)
			return false;
	}
	return at == sizeof(callers) / sizeof(callers[0]);
}

/* Threads that run: any moment of theirs must give a true stack. */
START_TEST(running_threads)
{
	enum { THREADS = 3, TIMES = 20 };
	struct strbuf wrong = STRBUF_EMPTY;
	struct fixture f;
	char pid[16];

	fixture_start(&f, &live_interpreters(NULL)[_i], &(struct fixture_options){ .no_rest = true },
	    ARGS("@busy.py", "%", "3"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (int i = 0; i < TIMES; i++) {
		struct run r = TOOL(pid);
		struct output out = output_parse(r.out, f.pid);
		int good = 0;

		for (size_t k = 0; k < out.threads.n; k++)
			good += spins(&out.threads.at[k]);
		strbuf_str(&wrong, strbuf_text(&out.wrong));
		if (good != THREADS || r.status != 0)
			strbuf_fmt(&wrong, "exit %d, %d of %d threads:\n%s%s\n", r.status, good, THREADS,
			    r.err, r.out);
		output_free(&out);
		run_free(&r);
	}
	fixture_echo(&f);
	fixture_end(&f);
	live_judge(f.in->label, &wrong);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live Python");
	TCase *c = tcase_create("every interpreter");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(c, 240);
	tcase_add_loop_test(c, every_version, 0, (int)n);
	live_add(c, many_threads);
	live_add(c, one_thread);
	live_add(c, trampolines);
	live_add(c, from_option_c);
	live_add(c, from_stdin);
	live_add(c, at_exit);
	live_add(c, alternate_stack);
	live_add(c, alternate_stack_above_the_frames);
	live_add(c, all_scenes);
	live_add(c, all_scenes_qualnames);
	live_add(c, all_scenes_native);
	live_add(c, all_scenes_traced);
	live_add(c, deep_recursion);
	live_add(c, thrown_through);
	live_add(c, nested_interpreter);
	live_add(c, many_interpreters);
	live_add(c, forked_by_python);
	live_add(c, forked_by_c);
	live_add(c, running_threads);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
