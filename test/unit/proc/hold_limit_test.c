/* The length of a hold, and what ends it earlier. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/live/hold.h"
#include "proc/live/live.h"
#include "support/run_suite.h"
#include "support/victim.h"

enum { MS = 60000 };

static struct ps_prochandle *grab(pid_t pid)
{
	int code = 0;
	struct ps_prochandle *P = Pgrab(pid, PGRAB_RDONLY, &code);

	ck_assert_msg(P != NULL, "Pgrab: %s", Pgrab_error(code));
	return P;
}

static bool every_one(void *data, lwpid_t id, int64_t end)
{
	(void)end;
	(void)data;
	(void)id;
	return true;
}

/* The clock, and by how much it is ahead of the kernel's. */
static time_t ahead_s;

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int ret = (int)syscall(SYS_clock_gettime, clock, out);

	out->tv_sec += ahead_s;
	return ret;
}

/* A victim that vforks in one thread and pauses in the other. */
static void *vforking(void *arg)
{
	const int *pipes = arg;
	char c;

	if (vfork() == 0) { /* NOLINT: vfork is the subject of the test */
		(void)syscall(SYS_write, pipes[0], "!", 1);
		(void)syscall(SYS_read, pipes[1], &c, 1);
		_exit(0);
	}
	return NULL;
}

static void victim_half_stuck(int out, int in, int unused)
{
	int pipes[] = { out, in };
	pthread_t thread;

	(void)unused;
	(void)pthread_create(&thread, NULL, vforking, pipes);
	for (;;)
		(void)pause();
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

struct half {
	int held, late, policy;
	char why[160];
};

static void count_states(void *data, const struct hold *h)
{
	struct half *half = data;

	half->policy = sched_getscheduler(0);
	for (size_t i = 0; i < h->lwps.n; i++) {
		half->held += h->lwps.at[i].state == HOLD_HELD;
		if (h->lwps.at[i].state != HOLD_TIMEOUT)
			continue;
		half->late++;
		memcpy(half->why, h->lwps.at[i].why, sizeof(half->why));
	}
}

/* If one LWP is stopped, the other one is not waited for as long as if none was. The reported time
 * is that of the wait. */
START_TEST(a_held_one_does_not_wait_for_long)
{
	enum { VERY_LONG = 600 * 1000 };
	struct victim v = victim_start(victim_half_stuck, 0);
	struct ps_prochandle *P = grab(v.pid);
	struct half half = { .held = 0 };
	const struct hold_call call = {
		.wants = every_one, .held = count_states, .data = &half, .limit_ns = 1000000
	};
	struct hold h;

	ck_assert_int_eq(hold_during(P, &call, VERY_LONG, &h, NULL), RES_OK);
	ck_assert_int_eq(half.held, 1);
	ck_assert_int_eq(half.late, 1);
	ck_assert_ptr_nonnull(strstr(half.why, "did not stop within "));
	ck_assert_ptr_null(strstr(half.why, "600000"));
	/* Its tracer did not wait for a processor, either, and is as it was. */
	ck_assert(half.policy == SCHED_FIFO || !may_be_real_time());
	ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
	hold_free(&h);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

/* Replaces the lock of all holds: counts the requests, and refuses them. */
static int asked;
static bool refused;

int flock(int fd, int how)
{
	if ((how & LOCK_EX) == 0 || !refused)
		return (int)syscall(SYS_flock, fd, how);
	asked++;
	errno = EWOULDBLOCK;
	return -1;
}

static void seen(void *data, const struct hold *h)
{
	int *held = data;

	*held += h->lwps.n == 1 && h->lwps.at[0].state == HOLD_HELD;
}

static int waited_ms(struct ps_prochandle *P)
{
	const struct live *live = live_of(P);

	return live == NULL ? -1 : live->turn_ms;
}

/* Any user may lock the directory of a process: that is nothing to wait for. */
START_TEST(a_lock_of_others)
{
	struct victim v = victim_start(victim_spinning, 0);
	struct ps_prochandle *P = grab(v.pid);
	int held = 0, dir;
	const struct hold_call call = { .wants = every_one, .held = seen, .data = &held };
	struct hold h;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)v.pid);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
	ck_assert_int_eq((int)syscall(SYS_flock, dir, LOCK_EX), 0);
	ck_assert_int_eq(hold_during(P, &call, MS, &h, NULL), RES_OK);
	hold_free(&h);
	ck_assert_int_eq(held, 1);
	ck_assert_int_eq(waited_ms(P), 0);
	(void)close(dir);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

/* The owner may have the lock for ever: it is waited for once. */
START_TEST(a_lock_that_is_never_free)
{
	struct victim v = victim_start(victim_spinning, 0);
	struct ps_prochandle *P = grab(v.pid);
	int held = 0;
	const struct hold_call call = { .wants = every_one, .held = seen, .data = &held };

	refused = true;
	for (int i = 0; i < 10; i++) {
		struct hold h;

		ck_assert_int_eq(hold_during(P, &call, MS, &h, NULL), RES_OK);
		hold_free(&h);
		ck_assert_int_eq(held, i + 1);
		ck_assert_int_le(asked, 310 + i);
		ck_assert_int_eq(waited_ms(P), 300);
	}
	refused = false;
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

/* Report the start, then wait much too long. */
static void linger(void *data, const struct hold *h)
{
	const int *out = data;

	(void)h;
	(void)!write(*out, "h", 1);
	(void)poll(NULL, 0, 20000);
	_exit(3);
}

static void ends_a_hold(int signo)
{
	struct victim v = victim_start(victim_spinning, 0);
	struct ps_prochandle *P = grab(v.pid);
	int pipes[2], status;
	pid_t holder;
	char c;

	ck_assert_int_eq(pipe(pipes), 0);
	holder = fork();
	if (holder == 0) {
		const struct hold_call call = { .wants = every_one, .held = linger, .data = &pipes[1] };
		struct hold h;

		(void)signal(signo, SIG_DFL); /* a shell may have had it ignored */
		(void)hold_during(P, &call, MS, &h, NULL);
		_exit(4);
	}
	ck_assert_int_eq(read(pipes[0], &c, 1), 1);
	ck_assert_int_eq(victim_state(v.pid, v.pid), 't');
	ck_assert_int_eq(kill(holder, signo), 0);
	ck_assert_int_eq(waitpid(holder, &status, 0), holder);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signo);
	ck_assert(victim_settles(v.pid, v.pid, 'R'));
	Prelease(P, 0);
	victim_end(&v);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

/* A signal that ends the holder does not wait for the end of the hold. */
START_TEST(signals_end_a_hold)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		ends_a_hold(signals[i]);
}
END_TEST

static void *pausing(void *unused)
{
	(void)unused;
	for (;;)
		(void)pause();
	return NULL;
}

/* Starts so many threads for each byte that it gets. */
static void victim_growing(int out, int in, int n)
{
	char c = 'r';

	for (;;) {
		pthread_t thread;

		if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
			_exit(3);
		for (int i = 0; i < n; i++)
			(void)pthread_create(&thread, NULL, pausing, NULL);
	}
}

struct growing {
	struct victim v;
	int asked_late;
	size_t held;
};

/* The first question makes the victim start threads. The next one comes when its first thread is
 * stopped, and its answer takes too long. */
static bool too_slow(void *data, lwpid_t id, int64_t end)
{
	struct growing *g = data;

	(void)id;
	if (end == 0) {
		victim_send(&g->v);
		ck_assert(victim_byte(&g->v));
		return true;
	}
	g->asked_late++;
	ahead_s += 10;
	return true;
}

static void count_held(void *data, const struct hold *h)
{
	struct growing *g = data;

	for (size_t i = 0; i < h->lwps.n; i++)
		g->held += h->lwps.at[i].state == HOLD_HELD;
}

/* Threads that start while the first one is stopped do not prolong its wait. */
START_TEST(newborn_threads_prolong_no_hold)
{
	struct growing g = { .v = victim_start(victim_growing, 3) };
	struct ps_prochandle *P = grab(g.v.pid);
	const struct hold_call call = {
		.wants = too_slow, .held = count_held, .data = &g, .limit_ns = 5000000000
	};
	struct hold h;

	ck_assert_int_eq(hold_during(P, &call, 2 * 5000, &h, NULL), RES_OK);
	ck_assert_int_eq(g.asked_late, 1);
	ck_assert_uint_eq(g.held, 1);
	ck_assert_uint_eq(h.lwps.n, 1);
	hold_free(&h);
	ahead_s = 0;
	Prelease(P, 0);
	victim_end(&g.v);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { a_held_one_does_not_wait_for_long, signals_end_a_hold,
		a_lock_of_others, a_lock_that_is_never_free, newborn_threads_prolong_no_hold };

	return run_suite("hold limit", tests, sizeof(tests) / sizeof(tests[0]));
}
