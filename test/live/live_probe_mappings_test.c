/* --at on a program that maps one library in place of another: a stack has the name of the one that
 * was there, or none. The program does all of it before pystack reads any stack. */
#include <check.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/observer.h"
#include "support/run_suite.h"

static const char mark[] = "(its code was replaced since: older frames are uncertain)\n";

struct program {
	pid_t pid;
	int to, from;
};

static void start(struct program *p)
{
	char folder[PATH_MAX], path[PATH_MAX];
	int in[2], out[2];

	spawn_built("test/programs", folder);
	spawn_built("test/programs/replacing", path);
	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	p->pid = fork();
	if (p->pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)execl(path, path, folder, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_gt(p->pid, 0);
	(void)close(in[0]);
	(void)close(out[1]);
	p->to = in[1];
	p->from = out[0];
}

/* Let it do these things, one after the other. */
static void tell(const struct program *p, const char *letters)
{
	for (; *letters != '\0'; letters++) {
		char answer = '\0';

		ck_assert_int_eq(write(p->to, letters, 1), 1);
		ck_assert_int_eq(read(p->from, &answer, 1), 1);
		ck_assert_int_eq(answer, *letters);
	}
}

static void end(const struct program *p)
{
	(void)close(p->to);
	ck_assert_int_eq(waitpid(p->pid, NULL, 0), p->pid);
	(void)close(p->from);
}

/* What pystack prints of a program that does `before`, then, while pystack stands still, `then`.
 * False: the kernel refuses. */
static bool observe(const char *before, const char *then, const char *option, struct run *out)
{
	const char *args[] = { "pystack", "-v", "--at", "syscall:rmdir", option, "", NULL };
	struct program p;
	struct observer o;
	char pid[16];
	bool ok;

	start(&p);
	tell(&p, before);
	(void)snprintf(pid, sizeof(pid), "%d", (int)p.pid);
	args[5] = pid;
	ok = observer_start(&o, args);
	if (ok) {
		int status;

		ck_assert_int_eq(kill(o.pid, SIGSTOP), 0);
		ck_assert_int_eq(waitpid(o.pid, &status, WUNTRACED), o.pid);
		ck_assert(WIFSTOPPED(status));
		tell(&p, then);
		ck_assert_int_eq(kill(o.pid, SIGCONT), 0);
		*out = observer_end(&o);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	end(&p);
	return ok;
}

static int occurrences(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void check(struct run *r, int of_a, int of_b, int marks, int status)
{
	ck_assert_msg(occurrences(r->out, "libreplaced_a.so`leaf_of_a") == of_a &&
			  occurrences(r->out, "libreplaced_b.so`leaf_of_b") == of_b &&
			  occurrences(r->out, mark) == marks && r->status == status,
	    "%d, not %d; %s%s", r->status, status, r->out, r->err);
	run_free(r);
}

/* Each by its own name. A handle was grabbed while the first one was mapped. */
START_TEST(replaced)
{
	struct run r;

	if (observe("a", "fbf", "-v", &r))
		check(&r, 1, 1, 0, 0);
	if (observe("a", "fubf", "-c", &r))
		check(&r, 1, 1, 0, 0);
}
END_TEST

/* The first one was never mapped while a handle was grabbed. */
START_TEST(never_seen)
{
	struct run r;

	if (observe("", "afbf", "-v", &r))
		check(&r, 0, 1, 1, 1);
	if (observe("", "afubf", "-c", &r))
		check(&r, 0, 1, 1, 1);
}
END_TEST

/* What is mapped in place of nothing makes nothing uncertain. */
START_TEST(added)
{
	struct run r;

	if (observe("", "affa", "-c", &r))
		check(&r, 0, 0, 1, 1);
	if (observe("", "aff", "-c", &r))
		check(&r, 1, 0, 0, 0);
}
END_TEST

/* A child has another library than its parent, by whose handle its stack is read. */
START_TEST(child)
{
	struct run r;

	if (observe("a", "c", "-r", &r))
		check(&r, 0, 0, 1, 1);
}
END_TEST

/* The program that the process executes next has nothing there. */
START_TEST(executed)
{
	struct run r;

	if (observe("a", "fx", "-c", &r))
		check(&r, 1, 0, 0, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { replaced, never_seen, added, child, executed };
	Suite *suite = suite_create("live probe mappings");
	TCase *tcase = tcase_create("mappings");
	int status;

	if (!spawn_init())
		return EXIT_FAILURE;
	tcase_set_timeout(tcase, 120);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	status = run_made_suite(suite);
	spawn_fini();
	return status;
}
