/*   test ──fork── parent ──fork── victim
 *     │<────────────── out ──────────┤
 *     ├─────────────── in ──────────>│
 *     └── life ──>│   EOF: the parent kills the victim and ends */
#include "support/victim.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/oracle.h"

enum { PATIENCE_MS = 120000, THREADS_MAX = 4096 };

static void say(int out)
{
	if (write(out, "!", 1) != 1)
		_exit(3);
}

static bool byte_from(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	return poll(&p, 1, ms) == 1 && read(fd, &c, 1) == 1;
}

/* Runs in the parent, between test and victim. */
static void stand_between(victim_main *run, int argument, int out, int in, int life, int tell)
{
	pid_t self = getpid(), pid = fork();
	char c;

	if (pid == 0) {
		(void)close(life);
		(void)close(tell);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self)
			_exit(4);
		run(out, in, argument);
		_exit(0);
	}
	(void)close(out);
	(void)close(in);
	if (write(tell, &pid, sizeof(pid)) != sizeof(pid))
		_exit(5);
	(void)close(tell);
	while (read(life, &c, 1) > 0)
		;
	(void)kill(pid, SIGKILL);
	_exit(0);
}

struct victim victim_start(victim_main *run, int argument)
{
	struct victim v = { 0 };
	int out[2], in[2], tell[2];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(tell, O_CLOEXEC), 0);
	(void)fflush(NULL);
	v.parent = fork();
	ck_assert_int_ge(v.parent, 0);
	if (v.parent == 0) {
		int life[2];

		/* PDEATHSIG replaces the life line: when the test ends, its children get the
		 * signal. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(out[0]);
		(void)close(in[1]);
		(void)close(tell[0]);
		if (pipe(life) != 0)
			_exit(6);
		stand_between(run, argument, out[1], in[0], life[0], tell[1]);
	}
	(void)close(out[1]);
	(void)close(in[0]);
	(void)close(tell[1]);
	v.from = out[0];
	v.to = in[1];
	ck_assert_int_eq(read(tell[0], &v.pid, sizeof(v.pid)), sizeof(v.pid));
	(void)close(tell[0]);
	ck_assert_msg(byte_from(v.from, PATIENCE_MS), "the victim did not become ready");
	return v;
}

void victim_end(struct victim *v)
{
	char *differs = oracle_process(v->pid);

	(void)kill(v->pid, SIGKILL);
	(void)kill(v->parent, SIGKILL);
	(void)waitpid(v->parent, NULL, 0);
	(void)close(v->from);
	(void)close(v->to);
	oracle_judge(differs);
}

char victim_state(pid_t pid, pid_t tid)
{
	char path[64], line[512];
	const char *close_paren;
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (fd >= 0)
		(void)close(fd);
	if (n <= 0)
		return '\0';
	line[n] = '\0';
	close_paren = strrchr(line, ')');
	return close_paren == NULL ? '\0' : close_paren[2];
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool victim_settles(pid_t pid, pid_t tid, char want)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (now_ms() < end) {
		if (victim_state(pid, tid) == want)
			return true;
		(void)sched_yield();
	}
	return false;
}

bool victim_byte(const struct victim *v)
{
	return byte_from(v->from, PATIENCE_MS);
}

void victim_send(const struct victim *v)
{
	ck_assert_int_eq(write(v->to, "?", 1), 1);
}

int victim_lwps(pid_t pid, pid_t *tids, int most)
{
	char path[32];
	const struct dirent *entry;
	DIR *task;
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	task = opendir(path);
	while (task != NULL && n < most && (entry = readdir(task)) != NULL)
		if (entry->d_name[0] != '.')
			tids[n++] = atoi(entry->d_name);
	if (task != NULL)
		(void)closedir(task);
	return n;
}

/* --- mains --- */

void victim_blocked(int out, int in, int unused)
{
	char c;

	(void)unused;
	say(out);
	while (read(in, &c, 1) == 1)
		say(out);
	_exit(0);
}

void victim_spinning(int out, int in, int unused)
{
	volatile unsigned long n = 0;

	(void)in;
	(void)unused;
	say(out);
	for (;;)
		n++;
}

static void *pausing(void *unused)
{
	for (;;)
		(void)pause();
	return unused;
}

static void start_threads(int n, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, 64 * 1024);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < n; i++)
		while (pthread_create(&t, &attr, run, arg) != 0)
			(void)sched_yield();
	(void)pthread_attr_destroy(&attr);
}

void victim_threads(int out, int in, int n)
{
	(void)in;
	start_threads(n, pausing, NULL);
	say(out);
	(void)pausing(NULL);
}

static void *successor(void *unused)
{
	start_threads(1, successor, unused);
	return NULL;
}

void victim_churning(int out, int in, int n)
{
	(void)in;
	start_threads(n, successor, NULL);
	say(out);
	(void)pausing(NULL);
}

void victim_leaderless(int out, int in, int n)
{
	(void)in;
	start_threads(n, pausing, NULL);
	say(out);
	/* Only this thread ends, whatever the C library thinks of it. */
	(void)syscall(SYS_exit, 0);
}

void victim_vforking(int out, int in, int unused)
{
	pid_t child;
	char c;

	(void)unused;
	child = vfork(); /* NOLINT: vfork is the subject of the test */
	if (child == 0) {
		(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
		(void)syscall(SYS_write, out, "!", 1);
		(void)syscall(SYS_read, in, &c, 1);
		_exit(0);
	}
	say(out);
	victim_blocked(out, in, 0);
}

static volatile sig_atomic_t counted;

static void count(int signo)
{
	(void)signo;
	counted = counted + 1;
}

void victim_counting(int out, int in, int n)
{
	struct sigaction sa = { .sa_handler = count };
	bool told = false;

	(void)in;
	(void)sigaction(SIGRTMIN, &sa, NULL);
	say(out);
	for (;;) {
		if (!told && counted >= n) {
			say(out);
			told = true;
		}
	}
}

void victim_ended(int out, int in, int unused)
{
	char c;

	(void)unused;
	say(out);
	(void)!read(in, &c, 1);
	_exit(0);
}
