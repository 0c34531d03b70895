/* When a measurement with --at ends, and when it does not. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "support/live.h"
#include "support/observer.h"

/* The number of events in "pystack: N events, …". */
static long events_of(const struct run *r)
{
	const char *at = strstr(r->err, "pystack: ");
	long n = -1;

	while (at != NULL && sscanf(at, "pystack: %ld events", &n) != 1)
		at = strstr(at + 1, "pystack: ");
	ck_assert_msg(at != NULL, "%s", r->err);
	return n;
}

/* Start pystack beside probed.py. False: the kernel refuses. */
static bool begin(struct fixture *f, struct observer *o, const char *const args[])
{
	const char *all[16] = { NULL };
	char pid[16];
	size_t n = 0;

	fixture_start(
	    f, live_interpreters(NULL), &(struct fixture_options){ .alone = true }, ARGS("@probed.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	for (; args[n] != NULL; n++)
		all[n] = args[n];
	all[n] = pid;
	if (observer_start(o, all))
		return true;
	(void)printf("SKIP: %s\n", observer_why_not());
	fixture_end(f);
	return false;
}

/* Events whose function was not known yet when they were counted are among those of -N: here all. */
START_TEST(after_enough)
{
	struct fixture f;
	struct observer o;
	struct run r;
	int status;

	if (!begin(&f, &o,
		ARGS("pystack", "-v", "-c", "-N", "10", "--at", "syscall:rmdir", "--when",
		    "func == \"leaf\"")))
		return;
	ck_assert_int_eq(kill(o.pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(o.pid, &status, WUNTRACED), o.pid);
	fixture_echo(&f);
	ck_assert_int_eq(kill(o.pid, SIGCONT), 0);
	r = observer_wait(&o);
	ck_assert_msg(r.status == 0 && events_of(&r) >= 10, "%d %s%s", r.status, r.out, r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

static void set_handler(int signo, void (*handler)(int))
{
	ck_assert(signal(signo, handler) != SIG_ERR);
}

/* What nohup or a shell in the background has made ignored does not end it. */
START_TEST(not_by_an_ignored_signal)
{
	static const int signals[] = { SIGINT, SIGHUP };
	struct fixture f;
	struct observer o;
	struct run r;
	bool begun;

	for (size_t i = 0; i < 2; i++)
		set_handler(signals[i], SIG_IGN);
	begun = begin(&f, &o, ARGS("pystack", "-v", "-c", "--at", "syscall:rmdir"));
	for (size_t i = 0; i < 2; i++)
		set_handler(signals[i], SIG_DFL);
	if (!begun)
		return;
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(kill(o.pid, signals[i]), 0);
	fixture_settle(o.pid); /* it waits again, or has ended */
	fixture_echo(&f);
	ck_assert_int_eq(kill(o.pid, SIGTERM), 0);
	r = observer_wait(&o);
	ck_assert_msg(events_of(&r) > 0, "%d %s%s", r.status, r.out, r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* A closed terminal ends it, and what was counted is printed. */
START_TEST(by_a_hangup)
{
	struct fixture f;
	struct observer o;
	struct run r;

	set_handler(SIGHUP, SIG_DFL); /* the tests may run under nohup */
	if (!begin(&f, &o, ARGS("pystack", "-v", "-c", "--at", "syscall:rmdir")))
		return;
	fixture_echo(&f);
	ck_assert_int_eq(kill(o.pid, SIGHUP), 0);
	r = observer_wait(&o);
	ck_assert_msg(r.status == 0 && events_of(&r) > 0, "%d %s%s", r.status, r.out, r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("the end of a measurement");
	TCase *c = tcase_create("end");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, after_enough);
	tcase_add_test(c, not_by_an_ignored_signal);
	tcase_add_test(c, by_a_hangup);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
