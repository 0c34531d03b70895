/* What a pystack that runs has given up: /proc/PID/status says it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/live.h"
#include "support/spawn_files.h"

/* pystack with these arguments, and standard input and output that nobody answers. */
struct running {
	pid_t pid;
	int in, out;
};

static void running_start(struct running *r, const char *const args[])
{
	int in[2], out[2];

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	r->pid = fork();
	ck_assert_int_ge(r->pid, 0);
	if (r->pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)execv(args[0], (char *const *)(uintptr_t)args);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	r->in = in[1];
	r->out = out[0];
}

static void running_end(struct running *r)
{
	(void)kill(r->pid, SIGKILL);
	(void)waitpid(r->pid, NULL, 0);
	(void)close(r->in);
	(void)close(r->out);
}

/* A number of /proc/PID/status; -1: there is none. */
static long long status_of(pid_t pid, const char *name, int base)
{
	char path[32], line[256];
	long long found = -1;
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	in = fopen(path, "re");
	if (in == NULL)
		return -1;
	while (fgets(line, sizeof(line), in) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			found = (long long)strtoull(line + strlen(name), NULL, base);
	}
	(void)fclose(in);
	return found;
}

/* Wait until it is restricted. False: it never is. */
static bool restricted(pid_t pid)
{
	for (int i = 0; i < 6000; i++) {
		int status;

		if (status_of(pid, "Seccomp:", 10) == 2)
			return true;
		if (waitpid(pid, &status, WNOHANG) == pid)
			return false;
		(void)usleep(10 * 1000);
	}
	return false;
}

/* Does this kernel have filters, and this build of pystack? */
static bool has_filters(void)
{
#ifdef __SANITIZE_ADDRESS__
	return false;
#else
	return status_of(getpid(), "Seccomp:", 10) >= 0;
#endif
}

enum { KILL = 1 << 5, SYS_PTRACE = 1 << 19, SYS_ADMIN = 1 << 21 };

/* What a run with these arguments keeps of its capabilities. */
static long long kept_by(const char *const args[])
{
	struct running r;
	long long kept;

	running_start(&r, args);
	ck_assert_msg(restricted(r.pid), "%s %s is not restricted", args[1], args[2]);
	ck_assert_int_eq(status_of(r.pid, "NoNewPrivs:", 10), 1);
	ck_assert_int_eq(status_of(r.pid, "CapInh:", 16), 0);
	kept = status_of(r.pid, "CapEff:", 16);
	ck_assert_int_eq(status_of(r.pid, "CapPrm:", 16), kept);
	running_end(&r);
	return kept;
}

START_TEST(each_way_of_running)
{
	struct fixture f;
	char pid[16];
	bool root = geteuid() == 0;
	long long kept;

	if (!has_filters()) {
		(void)puts("SKIP: no seccomp here, or not in this build");
		return;
	}
	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .no_rest = true },
	    ARGS("@sampled_kinds.py"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	kept = kept_by(ARGS(spawn_tool(), "-c"));
	ck_assert(!root || (kept & (KILL | SYS_PTRACE | SYS_ADMIN)) == 0);
	kept = kept_by(ARGS(spawn_tool(), "-"));
	ck_assert(!root || (kept & (KILL | SYS_PTRACE | SYS_ADMIN)) == 0);
	kept = kept_by(ARGS(spawn_tool(), "-i", "10ms", "--no-bpf", "-d", "600s", pid));
	ck_assert(!root || (kept & (KILL | SYS_ADMIN)) == 0);
	kept = kept_by(ARGS(spawn_tool(), "-i", "10ms", "-d", "600s", pid));
	ck_assert(!root || (kept & KILL) == 0);
	fixture_end(&f);
}
END_TEST

/* While programs of the kernel run, there is a second filter: no more of them are loaded. */
START_TEST(programs_are_loaded_once)
{
	struct fixture f;
	struct running r;
	char pid[16];
	long long filters = 0;
	int status;

	if (geteuid() != 0 || !has_filters() || status_of(getpid(), "Seccomp_filters:", 10) < 0) {
		(void)puts("SKIP: not root, or this kernel does not count filters, or this build has none");
		return;
	}
	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .no_rest = true },
	    ARGS("@sampled_kinds.py"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	running_start(&r, ARGS(spawn_tool(), "--at", "profile:1", "-c", "-d", "600s", pid));
	for (int i = 0; i < 6000 && filters < 2 && waitpid(r.pid, &status, WNOHANG) == 0; i++) {
		filters = status_of(r.pid, "Seccomp_filters:", 10);
		(void)usleep(10 * 1000);
	}
	if (filters < 1)
		(void)puts("SKIP: nothing can be observed here");
	else
		ck_assert_int_eq(filters, 2);
	running_end(&r);
	fixture_end(&f);
}
END_TEST

/* The command has what pystack had. */
START_TEST(command_keeps_all)
{
	struct run plain, r;

	if (geteuid() != 0) {
		(void)puts("SKIP: not root");
		return;
	}
	plain = run_program(NULL, ARGS("grep", "-E", "^(Cap|Seccomp:|NoNewPrivs)", "/proc/self/status"));
	r = run_program(NULL, ARGS(spawn_tool(), "--at", "syscall:getrandom", "-c", "--", "grep", "-E",
				  "^(Cap|Seccomp:|NoNewPrivs)", "/proc/self/status"));
	if (strstr(r.err, "BPF") != NULL || strstr(r.err, "libbpf") != NULL)
		(void)printf("SKIP: %s", r.err);
	else
		ck_assert_msg(
		    strncmp(r.out, plain.out, strlen(plain.out)) == 0, "%s\n%s%s", plain.out, r.out, r.err);
	run_free(&r);
	run_free(&plain);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("restrict");
	TCase *c = tcase_create("restrict");

	tcase_set_timeout(c, 300);
	tcase_add_test(c, each_way_of_running);
	tcase_add_test(c, programs_are_loaded_once);
	tcase_add_test(c, command_keeps_all);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
