/* Targets held by others, and the effect of options: tracers, freezers, a vfork, and --stop and
 * --no-stop. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/live.h"
#include "support/spawn_files.h"
#include "support/victim.h"

enum { LWPS_MAX = 256 };

/* The tool with an option (NULL: none) on f, against its truth. */
static void check(struct fixture *f, const char *option, const char *what)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct output out;
	char head[32];
	struct run r;

	(void)snprintf(head, sizeof(head), "%d:\t", (int)f->pid);
	/* Another test checks the output for a running thread. */
	r = live_look(f, option, "(running, and --no-stop was given)");
	live_compare(f, &r, head, 0, &out, &wrong);
	output_free(&out);
	if (wrong.n != 0)
		strbuf_fmt(&wrong, "(%s)\n", what);
	live_judge(f->in->label, &wrong);
}

/* Trace all LWPs of pid, as strace -f does; with `stop`, as gdb does. */
static void trace(pid_t pid, bool stop)
{
	pid_t tids[LWPS_MAX];
	int n = victim_lwps(pid, tids, LWPS_MAX);

	for (int i = 0; i < n; i++)
		ck_assert_int_eq(ptrace(PTRACE_SEIZE, tids[i], NULL, NULL), 0);
	for (int i = 0; stop && i < n; i++) {
		ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, tids[i], NULL, NULL), 0);
		ck_assert_int_eq(waitpid(tids[i], NULL, __WALL), tids[i]);
	}
}

/* Threads must be stopped to be detached. */
static void let_go(pid_t pid, bool stopped)
{
	pid_t tids[LWPS_MAX];
	int n = victim_lwps(pid, tids, LWPS_MAX);

	for (int i = 0; !stopped && i < n; i++) {
		ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, tids[i], NULL, NULL), 0);
		ck_assert_int_eq(waitpid(tids[i], NULL, __WALL), tids[i]);
	}
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(ptrace(PTRACE_DETACH, tids[i], NULL, NULL), 0);
}

START_TEST(traced)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@scenes.py", "%"));
	trace(f.pid, false);
	check(&f, NULL, "traced");
	let_go(f.pid, false);
	fixture_echo(&f);
	fixture_end(&f);
}
END_TEST

START_TEST(traced_and_stopped)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@scenes.py", "%"));
	trace(f.pid, true);
	check(&f, NULL, "stopped by its tracer");
	ck_assert_int_eq(process_state(f.pid), 't');
	let_go(f.pid, true);
	fixture_echo(&f);
	fixture_end(&f);
}
END_TEST

/* Blocked threads have the same output with no option and with either option. */
START_TEST(manners)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@scenes.py", "%"));
	check(&f, "--no-stop", "not stopped");
	check(&f, "--stop", "stopped");
	fixture_settle(f.pid);
	check(&f, NULL, "no option");
	fixture_echo(&f);
	fixture_end(&f);
}
END_TEST

/* Lines of Python in r, and how many are not marked. */
static size_t python_lines(const struct run *r, size_t *unmarked)
{
	size_t n = 0;

	*unmarked = 0;
	for (const char *at = r->out; (at = strstr(at, "\n                [ ")) != NULL;) {
		size_t length = strcspn(++at, "\n");

		n++;
		*unmarked += at[length - 1] != '?';
	}
	return n;
}

/* Threads that run Python all the time: with --no-stop each has marked lines only. */
START_TEST(running_and_not_to_be_stopped)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	bool seen = false;
	struct fixture f;
	char pid[16];

	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@running.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (int i = 0; i < 200 && !seen; i++) {
		struct run r = TOOL("--no-stop", "-p", pid);
		size_t unmarked, n = python_lines(&r, &unmarked);

		ck_assert_msg(r.status == 0 || r.status == 1, "exit %d, %s", r.status, r.err);
		/* It may have been found asleep for a moment, waiting for the interpreter's
		 * lock. */
		if (strstr(r.out, "(running, and --no-stop was given") != NULL) {
			ck_assert_int_eq(r.status, 1);
			seen = n > unmarked;
		} else {
			ck_assert_msg(unmarked == n, "%s", r.out);
		}
		for (const char *at = r.out; (at = strstr(at, "[ ")) != NULL; at++)
			ck_assert_msg(
			    strstr(at, ".py:") != NULL || strstr(at, "<frozen") != NULL, "%s", r.out);
		run_free(&r);
	}
	ck_assert_msg(seen, "%s: never found running", in->label);
	fixture_end(&f);
}
END_TEST

/* Stopped anywhere in its code, not in a system call: the thread is held if only registers show its
 * stack. */
START_TEST(stopped_anywhere)
{
	enum { TIMES = 12, LINES = 8 };
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	char pid[16];

	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@running.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (int i = 0; i < TIMES; i++) {
		size_t unmarked;
		struct run r;

		(void)kill(f.pid, SIGSTOP);
		ck_assert_int_eq(waitpid(f.pid, &(int){ 0 }, WUNTRACED), f.pid);
		r = TOOL(pid);
		ck_assert_msg(r.status == 0 && python_lines(&r, &unmarked) == LINES && unmarked == LINES,
		    "%s, exit %d:\n%s%s", in->label, r.status, r.err, r.out);
		ck_assert_msg(strstr(r.out, "(needs") == NULL && strstr(r.out, "gap)") == NULL, "%s", r.out);
		run_free(&r);
		ck_assert(victim_settles(f.pid, f.pid, 'T'));
		(void)kill(f.pid, SIGCONT);
		ck_assert(victim_settles(f.pid, f.pid, 'R'));
	}
	fixture_end(&f);
}
END_TEST

/* A new thread gets the stack and the thread state of one that has just ended. No frames are taken
 * for another thread's. A thread that is being created, and its creator, are not failures. */
START_TEST(coming_and_going)
{
	enum { TIMES = 30, MARKED = 2 }; /* on a busy machine a dump may have a mark, and say so */
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	char pid[16];
	int marked = 0;

	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@churn.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (int i = 0; i < TIMES; i++) {
		struct run r = i % 2 == 0 ? TOOL(pid) : TOOL("--stop", pid);

		marked += r.status == 1;
		ck_assert_msg(r.status < 2 && marked <= MARKED && strstr(r.out, "cannot be read") == NULL &&
				  strstr(r.out, "no unwind information") == NULL,
		    "%s, exit %d:\n%.1000s%.3000s", in->label, r.status, r.err, r.out);
		run_free(&r);
	}
	fixture_end(&f);
}
END_TEST

START_TEST(waiting_in_vfork)
{
#ifdef __SANITIZE_ADDRESS__
	(void)printf("SKIP: waiting in vfork: nothing describes the stack of the sanitizer's own vfork\n");
#else
	struct victim v = victim_start(victim_vforking, 0);
	char pid[16];
	struct run r;

	ck_assert(victim_settles(v.pid, v.pid, 'D'));
	(void)snprintf(pid, sizeof(pid), "%d", (int)v.pid);
	r = TOOL(pid);
	ck_assert_msg(r.status == 0, "%s%s", r.out, r.err);
	ck_assert_msg(strstr(r.out, "vfork") != NULL, "%s", r.out);
	run_free(&r);
	victim_send(&v);
	ck_assert(victim_byte(&v));
	victim_end(&v);
#endif
}
END_TEST

/* --- freezers --- */

struct freezer {
	char folder[128];
	const char *knob, *on, *off;
};

static bool put(const struct freezer *z, const char *file, const char *text)
{
	char path[256];
	FILE *f;
	bool ok;

	(void)snprintf(path, sizeof(path), "%s/%s", z->folder, file);
	f = fopen(path, "r+"); /* without a cgroup hierarchy no file must be created */
	if (f == NULL)
		return false;
	ok = fputs(text, f) >= 0;
	return fclose(f) == 0 && ok;
}

static bool frozen(const struct freezer *z)
{
	char path[256], text[256];

	(void)snprintf(path, sizeof(path), "%s/%s", z->folder,
	    strcmp(z->knob, "freezer.state") == 0 ? z->knob : "cgroup.events");
	return spawn_head(path, text, sizeof(text)) &&
	       (strstr(text, "frozen 1") != NULL || strncmp(text, "FROZEN", 6) == 0);
}

/* A group of its own in that hierarchy, with pid in it. */
static bool freezer_make(struct freezer *z, const char *hierarchy, bool second, pid_t pid)
{
	char text[16];

	*z = second ? (struct freezer){ "", "cgroup.freeze", "1", "0" }
		    : (struct freezer){ "", "freezer.state", "FROZEN", "THAWED" };
	(void)snprintf(z->folder, sizeof(z->folder), "%s/pystack-test-%d", hierarchy, (int)getpid());
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	return mkdir(z->folder, 0700) == 0 && put(z, "cgroup.procs", text) && put(z, z->knob, z->on);
}

static void freezer_end(struct freezer *z)
{
	(void)put(z, z->knob, z->off);
	for (int i = 0; i < 5000 && rmdir(z->folder) != 0; i++)
		(void)nanosleep(&(struct timespec){ 0, 1000 * 1000 }, NULL);
}

START_TEST(in_a_freezer)
{
	static const struct {
		const char *hierarchy;
		bool second;
	} rows[] = { { "/sys/fs/cgroup/freezer", false }, { "/sys/fs/cgroup/unified", true },
		{ "/sys/fs/cgroup", true } };
	bool any = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct freezer z;
		struct fixture f;
		bool made;

		fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@scenes.py", "%"));
		made = freezer_make(&z, rows[i].hierarchy, rows[i].second, f.pid);
		for (int k = 0; made && k < 5000 && !frozen(&z); k++)
			(void)nanosleep(&(struct timespec){ 0, 1000 * 1000 }, NULL);
		if (made) {
			ck_assert(frozen(&z));
			check(&f, NULL, rows[i].hierarchy);
			check(&f, "--no-stop", rows[i].hierarchy);
			ck_assert(frozen(&z));
			(void)put(&z, z.knob, z.off);
			fixture_echo(&f);
			any = true;
		}
		fixture_end(&f);
		freezer_end(&z);
	}
	if (!any)
		(void)printf("SKIP: a freezer: no group of processes can be made here\n");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("traced");
	TCase *c = tcase_create("traced");
	size_t found;
	int n;

	(void)live_interpreters(&found);
	n = (int)found;
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, traced, 0, n);
	tcase_add_loop_test(c, traced_and_stopped, 0, n);
	tcase_add_loop_test(c, manners, 0, n);
	tcase_add_loop_test(c, running_and_not_to_be_stopped, 0, n);
	tcase_add_loop_test(c, stopped_anywhere, 0, n);
	tcase_add_loop_test(c, coming_and_going, 0, n);
	tcase_add_loop_test(c, in_a_freezer, 0, n > 0 ? 1 : 0);
	tcase_add_test(c, waiting_in_vfork);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
