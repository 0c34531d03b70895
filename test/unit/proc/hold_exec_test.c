/* A thread executes a program while the others are held. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc/handle.h"
#include "proc/live/hold.h"
#include "support/run_suite.h"
#include "support/victim.h"

enum { PAGE = 4096, FOREVER_MS = 10 * 60 * 1000 };

/* A page that is missing until somebody fills it; NULL: the system gives none. */
static char *missing_page(int *fd)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { (uintptr_t)page, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING };

	*fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (page == MAP_FAILED || *fd < 0 || ioctl(*fd, UFFDIO_API, &api) != 0 ||
	    ioctl(*fd, UFFDIO_REGISTER, &range) != 0)
		return NULL;
	return page;
}

/* In a child: fill the page of its parent when the parent's thread `waiting` is held. */
static void fill_when_held(int fd, char *page, pid_t parent, pid_t waiting)
{
	struct uffdio_zeropage zero = { .range = { (uintptr_t)page, PAGE } };

	while (getppid() == parent && victim_state(parent, waiting) != 't')
		(void)usleep(100);
	(void)ioctl(fd, UFFDIO_ZEROPAGE, &zero);
	_exit(0);
}

/* The kernel waits for the last argument, which it copies before it kills the other threads. */
static void *execute(void *missing)
{
	(void)execl("/bin/sh", "sh", "-c", "exec sleep 600", missing, (char *)NULL);
	_exit(6);
}

static void *wait_forever(void *tid)
{
	*(volatile pid_t *)tid = (pid_t)syscall(SYS_gettid);
	for (;;)
		(void)pause();
	return NULL;
}

/* Two threads wait, and one executes a program. It need not wait for the end of the main thread, whose
 * id it takes over, only for the other one's. */
static void executing(int out, int in, int unused)
{
	pid_t self = getpid();
	volatile pid_t waiting = 0;
	pthread_t threads[2];
	int fd;
	char *page = missing_page(&fd), byte = page == NULL ? 'n' : 'y';

	(void)in;
	(void)unused;
	if (page != NULL) {
		(void)pthread_create(&threads[0], NULL, wait_forever, (void *)&waiting);
		while (waiting == 0)
			(void)usleep(100);
		if (fork() == 0)
			fill_when_held(fd, page, self, waiting);
		(void)pthread_create(&threads[1], NULL, execute, page);
	}
	(void)!write(out, &byte, 1);
	for (;;)
		(void)pause();
}

/* The test's own time is over long before the hold's. */
START_TEST(lets_it_execute)
{
	int code = 0, fd;
	struct victim v;
	struct ps_prochandle *P;
	struct fault f = { 0 };
	struct hold h;
	char name[32] = "";
	FILE *comm;

	if (missing_page(&fd) == NULL) {
		(void)printf("SKIP: execve while it is held: no userfaultfd\n");
		return;
	}
	v = victim_start(executing, 0);
	P = Pgrab(v.pid, PGRAB_RDONLY, &code);
	ck_assert_msg(P != NULL, "Pgrab: %s", Pgrab_error(code));
	(void)hold_lwps(P, NULL, FOREVER_MS, &h, &f);
	hold_free(&h);
	Prelease(P, 0);
	for (int i = 0; i < 1000 && name[0] != 's'; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)v.pid);
		comm = fopen(path, "re");
		if (comm != NULL && fgets(name, sizeof(name), comm) == NULL)
			name[0] = '\0';
		if (comm != NULL)
			(void)fclose(comm);
		(void)usleep(10000);
	}
	ck_assert_msg(name[0] == 's', "it executes no shell: %s", name);
	ck_assert(victim_settles(v.pid, v.pid, 'S'));
	victim_end(&v);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { lets_it_execute };

	return run_suite("hold exec", tests, sizeof(tests) / sizeof(tests[0]));
}
