/* The target suffers no harm, even if the tool is killed at any moment or run twice at a time. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/live.h"
#include "support/spawn_files.h"
#include "support/victim.h"
#include "support/victim_calls.h"

enum { ROUNDS = 120, STEP_NS = 40 * 1000, SIGNALS = 400, KILLS = 1000, LOOKS = 20 };

/* Signals stay blocked until the exec, because libcheck's handlers, which end the whole test, are
 * in force before it. */
static pid_t tool_start(pid_t target)
{
	char arg[16];
	sigset_t all, old;
	pid_t tool;

	(void)snprintf(arg, sizeof(arg), "%d", (int)target);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	tool = fork();
	if (tool == 0) {
		int null = open("/dev/null", O_RDWR);

		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGTERM, SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, &old, NULL);
		if (dup2(null, 1) == 1 && dup2(null, 2) == 2)
			(void)execl(spawn_tool(), "pystack", arg, NULL);
		_exit(127);
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	ck_assert_int_gt(tool, 0);
	return tool;
}

/* Kill it while it works, later in each round. */
static void tool_end(pid_t tool, int round)
{
	static const int signals[] = { SIGKILL, SIGINT, SIGTERM, SIGPIPE };
	struct timespec pause = { 0, (long)round * STEP_NS };

	(void)nanosleep(&pause, NULL);
	(void)kill(tool, signals[round % 4]);
	ck_assert_int_eq(waitpid(tool, NULL, 0), tool);
}

/* The lock by which tools take turns is kept by somebody who may: that is said. What any user may
 * lock is no such lock. */
START_TEST(turns)
{
	static const char *const files[] = { "/mem", "" };
	struct victim v = victim_start(victim_spinning, 0);
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)v.pid);
	for (size_t i = 0; i < 2; i++) {
		char path[64];
		struct run r;
		int fd;

		(void)snprintf(path, sizeof(path), "/proc/%d%s", (int)v.pid, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(flock(fd, LOCK_EX), 0);
		r = TOOL(pid);
		ck_assert_msg(
		    (strstr(r.err, "waited 300 ms for it in vain") != NULL) == (i == 0) && r.status == 0,
		    "%s: %d; %s", path, r.status, r.err);
		run_free(&r);
		r = TOOL("--no-bpf", "-i", "10ms", "-d", "100ms", pid);
		ck_assert_msg((strstr(r.err, "waited 300 ms for it in vain") != NULL) == (i == 0),
		    "%s: %d; %s", path, r.status, r.err);
		run_free(&r);
		(void)close(fd);
	}
	victim_end(&v);
}
END_TEST

/* No LWP of it is traced, and each has one of the states wanted. */
static bool at_ease(pid_t pid, const char *states)
{
	pid_t tids[64];
	int n = victim_lwps(pid, tids, 64);

	for (int i = 0; i < n; i++) {
		char path[64], text[512];

		(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)tids[i]);
		if (!spawn_head(path, text, sizeof(text)))
			continue;
		if (strstr(text, "\nTracerPid:\t0\n") == NULL ||
		    strchr(states, strstr(text, "\nState:\t")[8]) == NULL)
			return false;
	}
	return n > 0;
}

/* The kernel releases a dead tracer's tracees before its parent is notified of the death. They stop
 * or run again a moment later. */
static void await_ease(pid_t pid, const char *states, int round)
{
	for (int i = 0; i < 2000; i++) {
		if (at_ease(pid, states))
			return;
		(void)nanosleep(&(struct timespec){ 0, 1000 * 1000 }, NULL);
	}
	ck_abort_msg("round %d: not left in one of the states %s", round, states);
}

START_TEST(killed_while_it_examines)
{
	struct victim v = victim_start(victim_threads, 20);

	for (int i = 0; i < ROUNDS; i++) {
		tool_end(tool_start(v.pid), i);
		await_ease(v.pid, "SR", i);
	}
	victim_end(&v);
}
END_TEST

START_TEST(killed_while_the_target_is_stopped)
{
	struct victim v = victim_start(victim_blocked, 0);

	for (int i = 0; i < ROUNDS; i++) {
		pid_t tool;

		/* The stop may not yet have taken effect when the tool looks. */
		(void)kill(v.pid, SIGSTOP);
		tool = tool_start(v.pid);
		tool_end(tool, i);
		await_ease(v.pid, "T", i);
		(void)kill(v.pid, SIGCONT);
	}
	victim_send(&v);
	ck_assert(victim_byte(&v));
	victim_end(&v);
}
END_TEST

START_TEST(no_signal_is_lost)
{
	struct victim v = victim_start(victim_counting, SIGNALS);
	int sent = 0;

	for (int i = 0; sent < SIGNALS; i++) {
		pid_t tool = tool_start(v.pid);

		for (int k = 0; k < 5 && sent < SIGNALS; k++, sent++) {
			while (sigqueue(v.pid, SIGRTMIN, (union sigval){ .sival_int = 0 }) != 0)
				ck_assert_int_eq(errno, EAGAIN);
			(void)sched_yield();
		}
		tool_end(tool, i);
	}
	ck_assert(victim_byte(&v)); /* it received all signals */
	victim_end(&v);
}
END_TEST

/* All threads of the victim but `running` ones block. */
static void await_blocked(pid_t pid, int running)
{
	for (int i = 0; i < 10000; i++) {
		pid_t tids[64];
		int n = victim_lwps(pid, tids, 64), awake = 0;

		for (int k = 0; k < n; k++)
			awake += victim_state(pid, tids[k]) != 'S';
		if (n > VICTIM_CALLS / 2 && awake == running)
			return;
		(void)nanosleep(&(struct timespec){ 0, 1000 * 1000 }, NULL);
	}
	ck_abort_msg("its threads do not come to rest");
}

/* Run the tool on it some times; how many of its calls came back early, and which. */
static unsigned disturbed(const char *option, char *names, size_t n)
{
	struct victim_calls *calls = victim_calls_share();
	struct victim v = victim_start(victim_calling, 0);
	unsigned early;
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)v.pid);
	for (int i = 0; i < LOOKS; i++) {
		struct run r;

		await_blocked(v.pid, 0);
		r = option == NULL ? TOOL(pid) : TOOL(option, pid);
#ifdef __SANITIZE_ADDRESS__
		/* Sanitized calls need frame pointers, which only stopped threads have. */
		if (option != NULL && strcmp(option, "--no-stop") == 0 && r.status == 1 &&
		    strstr(r.out, "(needs rbp, which is not known)") != NULL)
			r.status = 0;
#endif
		ck_assert_msg(r.status == 0, "status %d: %s%s", r.status, r.err, r.out);
		run_free(&r);
	}
	await_blocked(v.pid, 0);
	for (int i = 0; i < VICTIM_CALLS; i++) {
		if (calls->name[i] == NULL)
			(void)printf("SKIP: a blocking call: number %d is not to be had here\n", i);
	}
	early = victim_calls_early(calls, names, n);
	victim_end(&v);
	return early;
}

START_TEST(no_call_is_disturbed)
{
	char names[512];

	/* The sanitizer's own frames are on realigned stacks, which cannot be unwound without their
	 * registers. Such threads are held to get them. */
#ifndef __SANITIZE_ADDRESS__
	ck_assert_msg(disturbed(NULL, names, sizeof(names)) == 0, "%s", names);
#endif
	ck_assert_msg(disturbed("--no-stop", names, sizeof(names)) == 0, "--no-stop: %s", names);
}
END_TEST

/* The effect counted above does occur in stopped threads. */
START_TEST(stopping_disturbs)
{
	char names[512];

	ck_assert_uint_gt(disturbed("--stop", names, sizeof(names)), 0);
	(void)printf("disturbed by --stop: %s\n", names);
}
END_TEST

/* Kill the tool at any moment of its run, which includes holding a running thread. Blocked threads
 * do not notice, and running ones continue. */
START_TEST(killed_at_random)
{
	struct victim_calls *calls = victim_calls_share();
	struct victim v = victim_start(victim_calling, 1);
	unsigned random = 1;
	char names[512];

	await_blocked(v.pid, 1);
	for (int i = 0; i < KILLS; i++) {
		unsigned long before = __atomic_load_n(&calls->beats, __ATOMIC_RELAXED);

		random = random * 1103515245 + 12345;
		tool_end(tool_start(v.pid), (int)((random >> 16) % 100));
		await_ease(v.pid, "SR", i);
		for (int k = 0; k < 10000 && before == __atomic_load_n(&calls->beats, __ATOMIC_RELAXED); k++)
			(void)nanosleep(&(struct timespec){ 0, 1000 * 1000 }, NULL);
		ck_assert_uint_ne(before, __atomic_load_n(&calls->beats, __ATOMIC_RELAXED));
	}
	ck_assert_msg(victim_calls_early(calls, names, sizeof(names)) == 0, "%s", names);
	victim_end(&v);
}
END_TEST

/* The second run may be refused but does no harm. */
START_TEST(twice_at_a_time)
{
	struct victim v = victim_start(victim_threads, 20);

	for (int i = 0; i < ROUNDS; i++) {
		pid_t tools[2] = { tool_start(v.pid), tool_start(v.pid) };

		for (int k = 0; k < 2; k++) {
			int status = -1;

			ck_assert_int_eq(waitpid(tools[k], &status, 0), tools[k]);
			ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
			    "round %d: status 0x%x: they take turns", i, status);
		}
		await_ease(v.pid, "SR", i);
	}
	victim_end(&v);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("harmless");
	TCase *c = tcase_create("harmless");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, turns);
	tcase_add_test(c, killed_while_it_examines);
	tcase_add_test(c, killed_while_the_target_is_stopped);
	tcase_add_test(c, no_signal_is_lost);
	tcase_add_test(c, twice_at_a_time);
	tcase_add_test(c, no_call_is_disturbed);
	tcase_add_test(c, stopping_disturbs);
	tcase_add_test(c, killed_at_random);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
