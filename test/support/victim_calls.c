/* Linux restarts most system calls that a stop interrupts (signal(7)), but not these. */
#include "support/victim_calls.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum { LONG_S = 1000, MUCH = 1 << 20 };

static struct victim_calls *shared;

static long epoll_for(int ms)
{
	struct epoll_event event;

	return epoll_wait(epoll_create1(0), &event, 1, ms);
}

static long call_epoll_wait(void)
{
	return epoll_for(-1);
}

static long call_epoll_wait_timed(void)
{
	return epoll_for(LONG_S * 1000);
}

static long call_epoll_pwait(void)
{
	struct epoll_event event;
	sigset_t none;

	(void)sigemptyset(&none);
	return epoll_pwait(epoll_create1(0), &event, 1, -1, &none);
}

static void limit(int fd)
{
	struct timeval tv = { .tv_sec = LONG_S };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

static long call_recv(void)
{
	int pair[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return -1;
	limit(pair[0]);
	return recv(pair[0], &c, 1, 0);
}

static long call_accept(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	limit(fd);
	/* A family alone as the address: the kernel chooses a name. */
	if (bind(fd, (struct sockaddr *)&any, sizeof(any.sun_family)) != 0 || listen(fd, 1) != 0)
		return -1;
	return accept(fd, NULL, NULL);
}

static long call_sigtimedwait(void)
{
	const struct timespec ts = { .tv_sec = LONG_S };
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, &ts);
}

static long call_sigwaitinfo(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	return sigwaitinfo(&set, NULL);
}

/* The semaphores go with the victim's own namespace. */
static int semaphore(void)
{
	return semget(IPC_PRIVATE, 1, 0600);
}

static long call_semop(void)
{
	struct sembuf take = { .sem_op = -1 };

	return semop(semaphore(), &take, 1);
}

static long call_semtimedop(void)
{
	struct sembuf take = { .sem_op = -1 };
	const struct timespec ts = { .tv_sec = LONG_S };

	return semtimedop(semaphore(), &take, 1, &ts);
}

static long call_io_getevents(void)
{
	aio_context_t context = 0;
	struct io_event event;

	if (syscall(SYS_io_setup, 1, &context) != 0)
		return -1;
	return syscall(SYS_io_getevents, context, 1L, 1L, &event, NULL);
}

static char much[MUCH];

static long call_write(void)
{
	int ends[2];

	return pipe(ends) != 0 ? -1 : write(ends[1], much, sizeof(much));
}

static long call_send(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ? -1 : send(pair[0], much, sizeof(much), 0);
}

static const struct {
	const char *name;
	long (*call)(void);
	bool semaphores;
} rows[VICTIM_CALLS] = {
	{ "epoll_wait", call_epoll_wait, false },
	{ "epoll_wait with a timeout", call_epoll_wait_timed, false },
	{ "epoll_pwait", call_epoll_pwait, false },
	{ "recv", call_recv, false },
	{ "accept", call_accept, false },
	{ "sigtimedwait", call_sigtimedwait, false },
	{ "sigwaitinfo", call_sigwaitinfo, false },
	{ "semop", call_semop, true },
	{ "semtimedop", call_semtimedop, true },
	{ "io_getevents", call_io_getevents, false },
	{ "write", call_write, false },
	{ "send", call_send, false },
};

/* None of them has a reason to return. Descriptors leak: one for each call that does. */
static void *caller(void *arg)
{
	size_t i = (size_t)arg;

	for (;;) {
		long got = rows[i].call();

		if (got < 0 && errno != EINTR) {
			__atomic_store_n(&shared->name[i], NULL, __ATOMIC_RELAXED);
			(void)pause();
		}
		(void)__atomic_add_fetch(&shared->early[i], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *spinner(void *unused)
{
	for (;;)
		(void)__atomic_add_fetch(&shared->beats, 1, __ATOMIC_RELAXED);
	return unused;
}

struct victim_calls *victim_calls_share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	return shared;
}

unsigned victim_calls_early(const struct victim_calls *calls, char *names, size_t n)
{
	unsigned all = 0;

	names[0] = '\0';
	for (size_t i = 0; i < VICTIM_CALLS; i++) {
		unsigned early = __atomic_load_n(&calls->early[i], __ATOMIC_RELAXED);
		size_t used = strlen(names);

		all += early;
		if (early != 0)
			(void)snprintf(names + used, n - used, "%s%s", used == 0 ? "" : ", ", rows[i].name);
	}
	return all;
}

void victim_calling(int out, int in, int spin)
{
	bool own_ipc = unshare(CLONE_NEWIPC) == 0;
	sigset_t set;
	pthread_t t;

	(void)in;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < VICTIM_CALLS; i++) {
		if (rows[i].semaphores && !own_ipc)
			continue;
		shared->name[i] = rows[i].name;
		if (pthread_create(&t, NULL, caller, (void *)i) != 0)
			_exit(3);
	}
	if (spin && pthread_create(&t, NULL, spinner, NULL) != 0)
		_exit(3);
	if (write(out, "!", 1) != 1)
		_exit(3);
	for (;;)
		(void)pause();
}
