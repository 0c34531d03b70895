/* --at on every way into Python: the scenes of test/programs, each of whose threads blocks in a
 * system call. A stop makes the kernel interrupt the calls, and SIGCONT makes it begin them again,
 * so each thread meets the probe with the very stack of which its program has told the truth. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/live.h"
#include "support/observer.h"
#include "support/shapes.h"

/* Let all threads of f begin their system calls again. */
static void begin_again(struct fixture *f)
{
	ck_assert_int_eq(kill(f->pid, SIGSTOP), 0);
	while (process_state(f->pid) != 'T')
		(void)sched_yield();
	ck_assert_int_eq(kill(f->pid, SIGCONT), 0);
	fixture_settle(f->pid);
}

/* Observe f while it begins again. False: the kernel refuses. */
static bool observe(struct fixture *f, const char *option, struct run *r)
{
	struct observer o;
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	if (!observer_start(
		&o, ARGS("pystack", "-v", "--at", "syscall:read", "--at", "syscall:pause", pid, option))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		return false;
	}
	begin_again(f);
	*r = observer_end(&o);
	return true;
}

static void check(struct fixture *f, const char *option, int flags)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct output out;
	struct truth truth;
	struct run r;

	if (!observe(f, option, &r))
		return;
	truth = truth_read(f->dir);
	out = output_parse_events(r.out);
	truth_compare(&truth, &out, flags | COMPARE_QUALNAME | COMPARE_EVENTS, &wrong);
	if (r.status != 0 || strstr(r.err, "lost") != NULL)
		strbuf_fmt(&wrong, "exit %d, %s", r.status, r.err);
	output_free(&out);
	truth_free(&truth);
	run_free(&r);
	live_judge(f->in->label, &wrong);
}

static void scene(int i, const struct fixture_options *opt, const char *const args[])
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[i], opt, args);
	if (f.pid == 0) {
		(void)printf("SKIP: %s: the interpreter itself aborts on %s\n", f.in->label, args[0] + 1);
		return;
	}
	check(&f, NULL, 0);
	if (opt == NULL || !opt->alone)
		fixture_echo(&f);
	fixture_end(&f);
}

START_TEST(every_version)
{
	scene(_i, NULL, ARGS("@every_version.py", "%"));
}
END_TEST

START_TEST(all_scenes)
{
	scene(_i, NULL, ARGS("@scenes.py", "%"));
}
END_TEST

START_TEST(many_threads)
{
	scene(_i, NULL, ARGS("@many.py", "%"));
}
END_TEST

START_TEST(alternate_stack)
{
	scene(_i, &(struct fixture_options){ .may_abort = true }, ARGS("@alternate_stack.py", "%", "heap"));
	scene(_i, &(struct fixture_options){ .may_abort = true }, ARGS("@alternate_stack.py", "%", "above"));
}
END_TEST

START_TEST(nested_interpreter)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];

	if (in->major < 3 || in->minor < 8)
		return; /* no module of theirs makes one */
	scene(_i, &(struct fixture_options){ .alone = true }, ARGS("@subinterpreter.py", "%"));
}
END_TEST

START_TEST(many_interpreters)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];

	if (in->major < 3 || in->minor < 12)
		return; /* their module cannot do it */
	scene(_i, NULL, ARGS("@subinterpreters.py", "%"));
}
END_TEST

START_TEST(thrown_through)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];

	/* 2.7 has no yield from. In 3.9 and 3.10 the missing frames are searched for in memory that
	 * is not captured; a remark says that they are missing. */
	if (in->major < 3 || (in->minor >= 9 && in->minor < 11))
		return;
	scene(_i, &(struct fixture_options){ .alone = true }, ARGS("@gen_throw.py", "%"));
}
END_TEST

START_TEST(at_exit)
{
	scene(_i, NULL, ARGS("@atexit_handler.py", "%"));
}
END_TEST

/* Programs that embed one Python or two. */
static void shape(int i, const char *name, bool two)
{
	struct fixture f;

	if (!shape_start(&f, i, name, two))
		return;
	check(&f, NULL, 0);
	fixture_echo(&f);
	fixture_end(&f);
}

START_TEST(embedded)
{
	shape(_i, "two", true);
	shape(_i, "across", true);
	shape(_i, "beside", true);
	shape(_i, "nested", false);
	shape(_i, "attached", false);
	shape(_i, "starting", false);
	shape(_i, "finalizing", false);
}
END_TEST

/* Their native frames are compared by live_shapes_test. */
START_TEST(greenlets)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct run r = run_program(
	    &(struct run_options){ .in = in, .own = true }, ARGS(in->path, "-c", "import greenlet"));
	bool there = r.status == 0;
	struct fixture f;

	run_free(&r);
	if (in->major < 3 || !there)
		return;
	fixture_start(&f, in, NULL, ARGS("@greenlets.py", "%"));
	check(&f, "-p", COMPARE_PYTHON_ONLY);
	fixture_echo(&f);
	fixture_end(&f);
}
END_TEST

/* The number of times that `text` is in the output. */
static long times(const char *out, const char *text)
{
	long n = 0;

	for (; (out = strstr(out, text)) != NULL; out++)
		n++;
	return n;
}

/* Run probed_states.py while it is observed at two probes. */
static bool observe_states(int i, const char *how, const char *probe, const char *other, struct run *r)
{
	struct fixture f;
	struct observer o;
	char pid[16];
	bool observed;

	fixture_start(&f, &live_interpreters(NULL)[i], &(struct fixture_options){ .alone = true },
	    ARGS("@probed_states.py", how));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	observed = observer_start(&o, ARGS("pystack", "-v", "-p", "--at", probe, "--at", other, pid));
	if (observed) {
		fixture_echo(&f);
		*r = observer_end(&o);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	fixture_end(&f);
	return observed;
}

/* Up to 3.11 the new thread's state names the thread that starts it, which has its own frames all
 * the same. */
START_TEST(starting_threads)
{
	struct run r;

	if (!observe_states(_i, "threads", "syscall:clone", "syscall:clone3", &r))
		return;
	ck_assert_msg(times(r.out, " (start_one) ]\n") == 5, "%s%s", r.out, r.err);
	ck_assert_msg(r.status == 0, "%s", r.err);
	run_free(&r);
}
END_TEST

/* An event whose thread state is not found for certain is lost, and said to be. */
START_TEST(endless_list)
{
	struct run r;

	/* Members are in another order; a static program exports no functions. */
	if (live_interpreters(NULL)[_i].major < 3 ||
	    strstr(live_interpreters(NULL)[_i].path, "static") != NULL)
		return;
	if (!observe_states(_i, "endless", "syscall:rmdir", "syscall:mkdir", &r))
		return;
	ck_assert_msg(times(r.out, " (call) ]\n") == 3, "%s%s", r.out, r.err);
	ck_assert_msg(observer_lost(r.err, "syscall:mkdir: ") == 6, "%s", r.err);
	ck_assert_int_eq(r.status, 1);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("scenes at a probe");
	TCase *c = tcase_create("every interpreter");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, every_version, 0, (int)n);
	live_add(c, all_scenes);
	live_add(c, many_threads);
	live_add(c, alternate_stack);
	live_add(c, nested_interpreter);
	live_add(c, many_interpreters);
	live_add(c, thrown_through);
	live_add(c, at_exit);
	tcase_add_loop_test(c, embedded, 0, (int)n);
	live_add(c, greenlets);
	live_add(c, starting_threads);
	live_add(c, endless_list);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
