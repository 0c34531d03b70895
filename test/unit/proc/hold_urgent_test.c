/* The scheduling of a thread while it holds others, with the right to real time and without. */
#include "proc/live/hold_urgent.h"

#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/run_suite.h"

enum { NOBODY = 65534 };

static struct hold_scheduling now(void)
{
	struct hold_scheduling s = { .size = 0 };

	ck_assert_int_eq(syscall(SYS_sched_getattr, 0, &s, sizeof(s), 0), 0);
	return s;
}

static bool equal(const struct hold_scheduling *a, const struct hold_scheduling *b)
{
	return a->policy == b->policy && a->nice == b->nice && a->priority == b->priority &&
	       a->runtime == b->runtime;
}

/* Exit status of a child that runs this. */
static int in_child(int (*run)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(run());
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int with_the_right(void)
{
	struct hold_scheduling before = now(), after;
	struct hold_urgency u = { .on = false };

	hold_urgent_begin(&u);
	if (!u.on || now().policy != SCHED_FIFO || now().priority != 1)
		return 1;
	hold_urgent_begin(&u);
	hold_urgent_end(&u);
	after = now();
	return equal(&before, &after) ? 0 : 2;
}

static int without(void)
{
	struct hold_scheduling before = now(), during, after;
	struct hold_urgency u = { .on = false };

	if (setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return 3;
	hold_urgent_begin(&u);
	during = now();
	if (during.policy != SCHED_OTHER || during.nice != before.nice)
		return 1;
	if (before.runtime != 0 && during.runtime >= before.runtime)
		return 4; /* a kernel that reports slices lets them be set */
	hold_urgent_end(&u);
	after = now();
	return equal(&before, &after) ? 0 : 2;
}

static int real_time_already(void)
{
	const struct sched_param five = { .sched_priority = 5 };
	struct hold_urgency u = { .on = false };

	if (sched_setscheduler(0, SCHED_FIFO, &five) != 0)
		return 3;
	hold_urgent_begin(&u);
	return !u.on && now().priority == 5 ? 0 : 1;
}

static bool may_be_real_time(void)
{
	const struct sched_param one = { .sched_priority = 1 };
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		_exit(sched_setscheduler(0, SCHED_FIFO, &one) != 0);
	return waitpid(child, &status, 0) == child && status == 0;
}

START_TEST(urgent)
{
	if (now().policy != SCHED_OTHER) {
		(void)printf("SKIP: urgency: this test has a scheduling of its own\n");
		return;
	}
	if (may_be_real_time()) {
		ck_assert_int_eq(in_child(with_the_right), 0);
		ck_assert_int_eq(in_child(real_time_already), 0);
	} else {
		(void)printf("SKIP: urgency with the right to real time: it is refused\n");
	}
	if (geteuid() == 0)
		ck_assert_int_eq(in_child(without), 0);
	else
		(void)printf("SKIP: urgency without rights: needs root to give them up\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { urgent };

	return run_suite("hold urgent", tests, sizeof(tests) / sizeof(tests[0]));
}
