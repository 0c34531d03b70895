/* Holding and releasing real processes: the state before (S, R or T) is restored, even if signals
 * arrive in between, and however pystack ends. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/handle.h"
#include "proc/live/hold.h"
#include "support/run_suite.h"
#include "support/victim.h"

enum { MS = 60000, MOST = 1024 };

static struct ps_prochandle *grab(pid_t pid)
{
	int code = 0;
	struct ps_prochandle *P = Pgrab(pid, PGRAB_RDONLY, &code);

	ck_assert_msg(P != NULL, "Pgrab: %s", Pgrab_error(code));
	return P;
}

static void hold_all(struct ps_prochandle *P, struct hold *h)
{
	struct fault f = { 0 };

	ck_assert_msg(hold_lwps(P, NULL, MS, h, &f) == RES_OK, "hold: %s", f.text);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

START_TEST(blocked_stays_blocked)
{
	struct victim v = victim_start(victim_blocked, 0);
	struct ps_prochandle *P = grab(v.pid);
	const prmap_t *text;
	struct hold h;

	ck_assert(victim_settles(v.pid, v.pid, 'S'));
	for (int i = 0; i < 3; i++) {
		hold_all(P, &h);
		ck_assert_uint_eq(h.lwps.n, 1);
		ck_assert_int_eq(h.lwps.at[0].state, HOLD_HELD);
		ck_assert_int_eq(victim_state(v.pid, v.pid), 't');
		text = Paddr_to_map(P, (uintptr_t)h.lwps.at[0].regs[R_PC]);
		ck_assert_ptr_nonnull(text);
		ck_assert_int_ne(text->pr_mflags & MA_EXEC, 0);
		ck_assert_ptr_nonnull(Paddr_to_map(P, (uintptr_t)h.lwps.at[0].regs[R_SP]));
		ck_assert_ptr_nonnull(Paddr_to_map(P, (uintptr_t)h.lwps.at[0].regs[PRREG_FSBASE]));
		hold_release(&h);
		hold_release(&h);
		ck_assert(victim_settles(v.pid, v.pid, 'S'));
		hold_free(&h);
	}
	victim_send(&v);
	ck_assert(victim_byte(&v));
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(running_runs_on)
{
	struct victim v = victim_start(victim_spinning, 0);
	struct ps_prochandle *P = grab(v.pid);
	struct hold h;

	hold_all(P, &h);
	ck_assert_int_eq(victim_state(v.pid, v.pid), 't');
	hold_free(&h);
	ck_assert(victim_settles(v.pid, v.pid, 'R'));
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(stopped_stays_stopped)
{
	struct victim v = victim_start(victim_threads, 2);
	struct ps_prochandle *P = grab(v.pid);
	pid_t tids[MOST];
	struct hold h;
	int n;

	ck_assert_int_eq(kill(v.pid, SIGSTOP), 0);
	n = victim_lwps(v.pid, tids, MOST);
	ck_assert_int_eq(n, 3);
	for (int i = 0; i < n; i++)
		ck_assert(victim_settles(v.pid, tids[i], 'T'));
	for (int round = 0; round < 3; round++) {
		hold_all(P, &h);
		for (int i = 0; i < n; i++)
			ck_assert_int_eq(victim_state(v.pid, tids[i]), 't');
		hold_free(&h);
		for (int i = 0; i < n; i++)
			ck_assert(victim_settles(v.pid, tids[i], 'T'));
	}
	ck_assert_int_eq(kill(v.pid, SIGCONT), 0);
	for (int i = 0; i < n; i++)
		ck_assert(victim_settles(v.pid, tids[i], 'S'));
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(stop_and_continue_meanwhile)
{
	static const struct {
		int before, first, second;
		char after;
	} rows[] = {
		{ SIGSTOP, SIGCONT, 0, 'S' },
		{ 0, SIGSTOP, 0, 'T' },
		{ SIGSTOP, SIGCONT, SIGSTOP, 'T' },
		{ 0, SIGSTOP, SIGCONT, 'S' },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct victim v = victim_start(victim_blocked, 0);
		struct ps_prochandle *P = grab(v.pid);
		struct hold h;

		ck_assert(victim_settles(v.pid, v.pid, 'S'));
		if (rows[i].before != 0) {
			ck_assert_int_eq(kill(v.pid, rows[i].before), 0);
			ck_assert(victim_settles(v.pid, v.pid, 'T'));
		}
		hold_all(P, &h);
		ck_assert_int_eq(kill(v.pid, rows[i].first), 0);
		if (rows[i].second != 0)
			ck_assert_int_eq(kill(v.pid, rows[i].second), 0);
		ck_assert_int_eq(victim_state(v.pid, v.pid), 't');
		hold_free(&h);
		ck_assert_msg(victim_settles(v.pid, v.pid, rows[i].after), "row %zu", i);
		Prelease(P, 0);
		victim_end(&v);
	}
}
END_TEST

/* Real-time signals queue, so each can be counted. They arrive before, between and during stops. */
START_TEST(no_signal_is_lost)
{
	enum { SIGNALS = 3000 };
	struct victim v = victim_start(victim_counting, SIGNALS);
	struct ps_prochandle *P = grab(v.pid);
	union sigval none = { 0 };
	int holds = 0, handed_on = 0, turn[2];
	pid_t sender;

	ck_assert_int_eq(pipe(turn), 0);
	sender = fork();
	if (sender == 0) {
		for (int i = 0; i < SIGNALS; i++) {
			char c;

			if (i % 10 == 0 && read(turn[0], &c, 1) != 1)
				_exit(1);
			while (sigqueue(v.pid, SIGRTMIN, none) != 0)
				(void)sched_yield();
		}
		_exit(0);
	}
	while (waitpid(sender, NULL, WNOHANG) == 0) {
		struct hold h;

		ck_assert_int_eq(write(turn[1], "!", 1), 1);
		hold_all(P, &h);
		if (h.lwps.at[0].signo != 0)
			handed_on++;
		hold_free(&h);
		holds++;
	}
	(void)printf("%d holds, %d of them in a signal's delivery\n", holds, handed_on);
	ck_assert(victim_byte(&v));
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

struct during {
	struct victim *v;
	pid_t but; /* not to be held */
	int asked, called;
};

static bool all_but_one(void *data, lwpid_t id, int64_t end)
{
	struct during *d = data;

	ck_assert_int_eq(end, 0); /* nothing is stopped yet */
	d->asked++;
	return id != d->but;
}

static bool none(void *data, lwpid_t id, int64_t end)
{
	struct during *d = data;

	ck_assert_int_eq(end, 0);

	(void)id;
	d->asked++;
	return false;
}

/* Everything is held but the one, and the registers are there. */
static void look_during(void *data, const struct hold *h)
{
	struct during *d = data;

	d->called++;
	for (size_t i = 0; i < h->lwps.n; i++) {
		ck_assert_int_ne(h->lwps.at[i].id, d->but);
		ck_assert_int_eq(h->lwps.at[i].state, HOLD_HELD);
		ck_assert_int_ne(h->lwps.at[i].regs[R_SP], 0);
		ck_assert_int_eq(victim_state(d->v->pid, h->lwps.at[i].id), 't');
	}
	if (d->but != 0)
		ck_assert_int_eq(victim_state(d->v->pid, d->but), 'S');
}

START_TEST(those_that_are_wanted)
{
	struct victim v = victim_start(victim_threads, 5);
	struct ps_prochandle *P = grab(v.pid);
	struct during d = { .v = &v, .but = v.pid };
	struct hold_call call = { .wants = all_but_one, .held = look_during, .data = &d };
	struct fault f = { 0 };
	struct hold h;

	for (int i = 0; i < 6; i++) {
		pid_t tids[MOST];

		ck_assert_int_eq(victim_lwps(v.pid, tids, MOST), 6);
		ck_assert(victim_settles(v.pid, tids[i], 'S'));
	}
	ck_assert_int_eq(hold_during(P, &call, MS, &h, &f), RES_OK);
	ck_assert_int_gt(h.held_ns, 0);
	ck_assert_int_eq(d.asked, 6);
	ck_assert_int_eq(d.called, 1);
	ck_assert_uint_eq(h.lwps.n, 5);
	for (size_t i = 0; i < h.lwps.n; i++)
		ck_assert(victim_settles(v.pid, h.lwps.at[i].id, 'S')); /* let go already */
	hold_free(&h);
	d = (struct during){ .v = &v };
	call.wants = none;
	ck_assert_int_eq(hold_during(P, &call, MS, &h, &f), RES_OK);
	ck_assert_int_eq(d.asked, 6);
	ck_assert_int_eq(d.called, 1);
	ck_assert_uint_eq(h.lwps.n, 0);
	hold_free(&h);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(hundred_threads)
{
	struct victim v = victim_start(victim_threads, 100);
	struct ps_prochandle *P = grab(v.pid);
	struct hold h;

	hold_all(P, &h);
	ck_assert_uint_eq(h.lwps.n, 101);
	for (size_t i = 0; i < h.lwps.n; i++) {
		ck_assert_int_eq(h.lwps.at[i].state, HOLD_HELD);
		ck_assert_int_eq(victim_state(v.pid, h.lwps.at[i].id), 't');
		ck_assert(h.lwps.at[i].regs[R_SP] != 0);
	}
	hold_release(&h);
	for (size_t i = 0; i < h.lwps.n; i++)
		ck_assert(victim_settles(v.pid, h.lwps.at[i].id, 'S'));
	hold_free(&h);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

/* Every thread in the task directory during the hold is stopped. */
START_TEST(births_and_deaths_meanwhile)
{
	struct victim v = victim_start(victim_churning, 4);
	struct ps_prochandle *P = grab(v.pid);

	for (int round = 0; round < 50; round++) {
		struct hold h;
		pid_t tids[MOST];
		int n;

		hold_all(P, &h);
		n = victim_lwps(v.pid, tids, MOST);
		ck_assert_int_gt(n, 1);
		for (int i = 0; i < n; i++) {
			char state = victim_state(v.pid, tids[i]);

			ck_assert_msg(state == 't' || state == 'Z' || state == 'X' || state == '\0',
			    "round %d: LWP %d is in state %c", round, tids[i], state);
		}
		hold_free(&h);
	}
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(some_lwps_only)
{
	struct victim v = victim_start(victim_threads, 3);
	struct ps_prochandle *P = grab(v.pid);
	pid_t tids[MOST];
	char set[32];
	struct hold h;
	struct fault f = { 0 };

	ck_assert_int_eq(victim_lwps(v.pid, tids, MOST), 4);
	for (int i = 0; i < 4; i++)
		ck_assert(victim_settles(v.pid, tids[i], 'S'));
	(void)snprintf(set, sizeof(set), "%d", tids[2]);
	ck_assert_int_eq(hold_lwps(P, set, MS, &h, &f), RES_OK);
	ck_assert_uint_eq(h.lwps.n, 1);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(victim_state(v.pid, tids[i]), i == 2 ? 't' : 'S');
	hold_free(&h);
	ck_assert_int_eq(hold_lwps(P, "1", MS, &h, &f), RES_FAIL);
	ck_assert_int_eq(f.code, G_BADLWPS);
	hold_free(&h);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(vfork_parent_is_given_up)
{
	struct victim v = victim_start(victim_vforking, 0);
	struct ps_prochandle *P = grab(v.pid);
	int64_t start;
	struct fault f = { 0 };
	struct hold h;

	ck_assert(victim_settles(v.pid, v.pid, 'D'));
	start = now_ms();
	ck_assert_int_eq(hold_lwps(P, NULL, 100, &h, &f), RES_FAIL);
	ck_assert_int_lt(now_ms() - start, MS);
	ck_assert_int_ge(now_ms() - start, 100);
	ck_assert_ptr_nonnull(strstr(f.text, "uninterruptible"));
	ck_assert_uint_eq(h.lwps.n, 1);
	ck_assert_int_eq(h.lwps.at[0].state, HOLD_TIMEOUT);
	hold_free(&h);
	/* A pending interrupt must not hit it later. */
	victim_send(&v);
	ck_assert(victim_byte(&v));
	victim_send(&v);
	ck_assert(victim_byte(&v));
	ck_assert(victim_settles(v.pid, v.pid, 'S'));
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(main_thread_has_ended)
{
	struct victim v = victim_start(victim_leaderless, 2);
	struct ps_prochandle *P;
	struct hold h;
	int64_t start;

	ck_assert(victim_settles(v.pid, v.pid, 'Z'));
	P = grab(v.pid);
	start = now_ms();
	hold_all(P, &h);
	ck_assert_int_lt(now_ms() - start, MS);
	ck_assert_uint_eq(h.lwps.n, 3);
	for (size_t i = 0; i < h.lwps.n; i++)
		ck_assert_int_eq(h.lwps.at[i].state, h.lwps.at[i].id == v.pid ? HOLD_GONE : HOLD_HELD);
	ck_assert_ptr_nonnull(Paddr_to_map(P, (uintptr_t)h.lwps.at[1].regs[R_PC]));
	hold_free(&h);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(one_hold_at_a_time)
{
	struct victim v = victim_start(victim_blocked, 0);
	int code = 0;
	struct ps_prochandle *P = Pgrab(v.pid, 0, &code);
	prgregset_t regs = { 0 };
	struct fault f = { 0 };
	struct hold h;

	ck_assert_ptr_nonnull(P);
	ck_assert_int_eq(Pstate(P), PS_STOP);
	ck_assert_int_eq(victim_state(v.pid, v.pid), 't');
	ck_assert_int_eq(Plwp_getregs(P, v.pid, regs), 0);
	ck_assert(regs[R_PC] != 0);
	ck_assert_int_eq(hold_lwps(P, NULL, MS, &h, &f), RES_FAIL);
	ck_assert_int_eq(f.code, G_BUSY);
	hold_free(&h);
	ck_assert_int_eq(victim_state(v.pid, v.pid), 't');
	ck_assert_ptr_null(Pgrab(v.pid, 0, &code));
	ck_assert_int_eq(code, G_BUSY);
	Prelease(P, 0);
	ck_assert(victim_settles(v.pid, v.pid, 'S'));
	victim_end(&v);
}
END_TEST

START_TEST(ignored_children_are_no_obstacle)
{
	struct victim v = victim_start(victim_threads, 8);
	struct ps_prochandle *P = grab(v.pid);
	struct sigaction now;
	sigset_t mask;
	struct hold h;
	int64_t start;

	(void)signal(SIGCHLD, SIG_IGN);
	start = now_ms();
	hold_all(P, &h);
	ck_assert_int_lt(now_ms() - start, MS);
	ck_assert_uint_eq(h.lwps.n, 9);
	hold_free(&h);
	ck_assert_int_eq(sigaction(SIGCHLD, NULL, &now), 0);
	ck_assert(now.sa_handler == SIG_IGN);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	ck_assert_int_eq(sigismember(&mask, SIGCHLD), 0);
	(void)signal(SIGCHLD, SIG_DFL);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(another_tracer)
{
	struct victim v = victim_start(victim_blocked, 0);
	struct ps_prochandle *P = grab(v.pid);
	struct fault f = { 0 };
	struct hold h;
	char word[32];
	int ready[2], code = 0;
	pid_t tracer;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	tracer = fork();
	if (tracer == 0) {
		if (ptrace(PTRACE_SEIZE, v.pid, NULL, NULL) == 0)
			(void)!write(ready[1], "!", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(hold_lwps(P, NULL, MS, &h, &f), RES_FAIL);
	ck_assert_int_eq(f.code, G_BUSY);
	(void)snprintf(word, sizeof(word), "(pid %d)", tracer);
	ck_assert_msg(strstr(f.text, word) != NULL && strstr(f.text, "traced by ") == f.text, "%s", f.text);
	ck_assert_int_eq(h.lwps.at[0].state, HOLD_REFUSED);
	hold_free(&h);
	ck_assert_ptr_null(Pgrab(v.pid, PGRAB_FORCE, &code));
	ck_assert_int_eq(code, G_BUSY);
	(void)kill(tracer, SIGKILL);
	(void)waitpid(tracer, NULL, 0);
	hold_all(P, &h);
	hold_free(&h);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

/* A holder that repeats for ever and reports each hold. */
static void hold_for_ever(pid_t pid, int out)
{
	int code;
	struct ps_prochandle *P = Pgrab(pid, PGRAB_RDONLY, &code);

	for (;;) {
		struct hold h;
		struct fault f;

		if (hold_lwps(P, NULL, MS, &h, &f) != RES_OK)
			_exit(1);
		(void)!write(out, "h", 1);
		hold_free(&h);
		(void)!write(out, "r", 1);
	}
}

START_TEST(killed_holder_leaves_no_trace)
{
	for (int round = 0; round < 40; round++) {
		struct victim v = victim_start(round % 2 == 0 ? victim_threads : victim_blocked, 3);
		bool was_stopped = round % 4 >= 2;
		pid_t tids[MOST], holder;
		int pipes[2], n;
		char c;

		n = victim_lwps(v.pid, tids, MOST);
		if (was_stopped)
			ck_assert_int_eq(kill(v.pid, SIGSTOP), 0);
		for (int i = 0; i < n; i++)
			ck_assert(victim_settles(v.pid, tids[i], was_stopped ? 'T' : 'S'));
		ck_assert_int_eq(pipe(pipes), 0);
		holder = fork();
		if (holder == 0)
			hold_for_ever(v.pid, pipes[1]);
		/* Kill it after as many steps as the round's number, so that every phase is hit. */
		for (int i = 0; i <= round; i++)
			ck_assert_int_eq(read(pipes[0], &c, 1), 1);
		ck_assert_int_eq(kill(holder, SIGKILL), 0);
		ck_assert_int_eq(waitpid(holder, NULL, 0), holder);
		for (int i = 0; i < n; i++)
			ck_assert(victim_settles(v.pid, tids[i], was_stopped ? 'T' : 'S'));
		(void)close(pipes[0]);
		(void)close(pipes[1]);
		victim_end(&v);
	}
}
END_TEST

/* Its end, and that of one thread, are reported to the parent although it was traced. */
START_TEST(killed_while_held)
{
	struct victim v = victim_start(victim_threads, 3);
	struct ps_prochandle *P = grab(v.pid);
	struct hold h;
	int code = 0;

	hold_all(P, &h);
	ck_assert_int_eq(kill(v.pid, SIGKILL), 0);
	hold_free(&h);
	ck_assert(victim_settles(v.pid, v.pid, 'Z'));
	for (int64_t end = now_ms() + MS; Pstate(P) != PS_UNDEAD && now_ms() < end;)
		(void)sched_yield(); /* its other threads are on their way out */
	ck_assert_int_eq(Pstate(P), PS_UNDEAD);
	ck_assert_ptr_null(Pgrab(v.pid, PGRAB_RDONLY, &code));
	ck_assert_int_eq(code, G_ZOMB);
	ck_assert_int_eq(hold_lwps(P, NULL, MS, &h, NULL), RES_FAIL);
	hold_free(&h);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { blocked_stays_blocked, running_runs_on, stopped_stays_stopped,
		stop_and_continue_meanwhile, no_signal_is_lost, those_that_are_wanted, hundred_threads,
		births_and_deaths_meanwhile, some_lwps_only, vfork_parent_is_given_up, main_thread_has_ended,
		one_hold_at_a_time, ignored_children_are_no_obstacle, another_tracer,
		killed_holder_leaves_no_trace, killed_while_held };

	return run_suite("hold", tests, sizeof(tests) / sizeof(tests[0]));
}
