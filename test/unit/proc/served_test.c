/* Memory that a userfaultfd provides, or not: reads end before it, and none waits. */
#include <fcntl.h>
#include <libproc.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/live/live.h"
#include "support/run_suite.h"

enum { PAGE = 4096 };

/* From now on nobody provides the page at `at`. False: not possible here. */
static bool withhold(char *at)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (uintptr_t)at, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	return fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &range) == 0 &&
	       madvise(at, PAGE, MADV_DONTNEED) == 0;
}

/* A child that withholds the second of the pages at `at`. 0: not possible, and a message was
 * printed. */
static pid_t start(char *at)
{
	int ends[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!withhold(at + PAGE) || write(ends[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ends[1]);
	if (read(ends[0], &byte, 1) == 1)
		return pid;
	(void)waitpid(pid, NULL, 0);
	printf("SKIP: no userfaultfd(2) is allowed here\n");
	return 0;
}

START_TEST(reads_end_before_it)
{
	char *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char buf[3 * PAGE];
	struct live_piece pieces[3];
	struct ps_prochandle *P;
	int code = 0;
	pid_t pid;

	ck_assert_ptr_ne(at, MAP_FAILED);
	memset(at, 'x', 3 * PAGE);
	pid = start(at);
	if (pid == 0)
		return;
	if (!live_read_may_be_served()) {
		printf("SKIP: this kernel does not tell how many userfaultfds there are\n");
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return;
	}
	P = Pgrab(pid, PGRAB_RDONLY, &code);
	ck_assert_msg(P != NULL, "Pgrab: %s", Pgrab_error(code));
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), (uintptr_t)at), PAGE);
	ck_assert_int_eq(Pread(P, buf, 1, (uintptr_t)at + PAGE), 0);
	ck_assert_int_eq(Pread(P, buf, PAGE, (uintptr_t)at + 2 * PAGE), PAGE);
	ck_assert_int_eq(buf[PAGE - 1], 'x');
	for (size_t i = 0; i < 3; i++)
		pieces[i] = (struct live_piece){ buf, PAGE, (uintptr_t)at + i * PAGE, 7 };
	live_read_pieces(live_of(P), pieces, 3);
	ck_assert_uint_eq(pieces[0].got, PAGE);
	ck_assert_uint_eq(pieces[1].got, 0);
	ck_assert_uint_eq(pieces[2].got, PAGE);
	Prelease(P, 0);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)munmap(at, 3 * PAGE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { reads_end_before_it };

	return run_suite("served", tests, sizeof(tests) / sizeof(tests[0]));
}
