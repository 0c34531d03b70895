/* The system calls of a confined process, and its end with its parent. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/confine.h"
#include "support/run_suite.h"

/* The exit status of a child that restricts itself to the pipe's end and then calls this
 * function. */
static int status_of(void (*act)(int fd), char *out, size_t n)
{
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		os_sandbox(ends[1]);
		act(ends[1]);
		_exit(0);
	}
	(void)close(ends[1]);
	got = read(ends[0], out, n);
	(void)close(ends[0]);
	ck_assert_int_ge(got, 0);
	out[got] = '\0';
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void work(int fd)
{
	char *small = malloc(100), *large = malloc(64 << 20);

	if (small != NULL && large != NULL) {
		memset(large, 1, 64 << 20);
		large = realloc(large, 128 << 20);
		free(small);
		free(large);
		(void)!write(fd, "done", 4);
	}
}

static void open_file(int fd)
{
	(void)fd;
	(void)open("/dev/null", O_RDONLY);
}

static void write_elsewhere(int fd)
{
	(void)fd;
	(void)!write(STDERR_FILENO, "", 0);
}

static void make_code(int fd)
{
	(void)fd;
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void turn_into_code(int fd)
{
	static char page[8192] __attribute__((aligned(4096)));

	(void)fd;
	(void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void start(int fd)
{
	(void)fd;
	(void)fork();
}

START_TEST(memory_and_an_answer)
{
	char out[16];

	ck_assert_int_eq(status_of(work, out, sizeof(out) - 1), 0);
	ck_assert_str_eq(out, "done");
}
END_TEST

START_TEST(everything_else_ends_it)
{
	void (*const acts[])(int) = { open_file, write_elsewhere, make_code, turn_into_code, start };
	char out[16];

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int status = status_of(acts[i], out, sizeof(out) - 1);

		if (i == 0 && status == 0) {
			(void)puts("SKIP: under a sanitizer, or without seccomp, nothing is confined");
			return;
		}
		ck_assert_msg(
		    WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%zu: status %x", i, (unsigned)status);
	}
}
END_TEST

/* A child whose parent is killed by SIGKILL is killed too: the pipe that only it has open is
 * closed. */
START_TEST(ends_with_its_parent)
{
	int ends[2], status;
	pid_t parent;
	char ready;

	ck_assert_int_eq(pipe(ends), 0);
	parent = fork();
	ck_assert_int_ge(parent, 0);
	if (parent == 0) {
		pid_t self = getpid();

		if (fork() == 0) {
			(void)alarm(60); /* a limit in case it fails */
			(void)os_die_with_parent(self);
			(void)!write(ends[1], "r", 1);
		}
		for (;;)
			(void)pause();
	}
	(void)close(ends[1]);
	ck_assert_int_eq(read(ends[0], &ready, 1), 1);
	ck_assert_int_eq(kill(parent, SIGKILL), 0);
	ck_assert_int_eq(waitpid(parent, &status, 0), parent);
	ck_assert_int_eq(read(ends[0], &ready, 1), 0);
	(void)close(ends[0]);
}
END_TEST

/* The parent has ended before the call. */
START_TEST(ends_after_its_parent)
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		_exit(os_die_with_parent(getpid()) ? 0 : 1); /* not its parent */
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { memory_and_an_answer, everything_else_ends_it, ends_with_its_parent,
		ends_after_its_parent };

	return run_suite("os/confine", tests, sizeof(tests) / sizeof(tests[0]));
}
