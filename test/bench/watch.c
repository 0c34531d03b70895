/* The effect on a target: a library that scene.py loads.
 *
 * Threads that run record each gap in which they could not in a file, which bench.py reads while
 * they run:
 *
 *     u64 number of gaps so far | u64 failed calls | { u64 end of the gap, u64 its length } [RING]
 *                                                                         (ns, CLOCK_MONOTONIC)
 *
 * Ten further threads wait in system calls that are not restarted after a tracer has interrupted
 * them. (semop and semtimedop would make twelve, but a semaphore outlives a killed process.) */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	RING = 1 << 16,
	SPIN_GAP = 5000,      /* shorter ones are the loop's own */
	NAP = 5000000,        /* ns asleep at a time */
	PIPE_SIZE = 1 << 20,  /* more than a pipe or a socket takes */
	A_LONG_TIME = 100000, /* s */
};

struct gap {
	uint64_t end, length;
};

static struct record {
	_Atomic uint64_t n, failed;
	struct gap gaps[RING];
} * record;

#define EXPORT __attribute__((visibility("default")))

static uint64_t now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Open the file in which gaps are recorded, and set its size. 0, or an errno. */
EXPORT int watch_open(const char *path);
int watch_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *at;

	if (fd < 0 || ftruncate(fd, sizeof(*record)) != 0)
		return errno;
	at = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	(void)close(fd);
	if (at == MAP_FAILED)
		return errno;
	record = at;
	return 0;
}

EXPORT void watch_note(uint64_t end, uint64_t length);
void watch_note(uint64_t end, uint64_t length)
{
	uint64_t i = atomic_fetch_add(&record->n, 1);

	record->gaps[i % RING] = (struct gap){ end, length };
}

/* Never returns: looks at the clock all the time. */
EXPORT void watch_spin(void);
void watch_spin(void)
{
	uint64_t last = now();

	for (;;) {
		uint64_t at = now();

		if (at - last > SPIN_GAP)
			watch_note(at, at - last);
		last = at;
	}
}

/* Never returns: sleeps, and notes by how much it woke too late. */
EXPORT void watch_nap(void);
void watch_nap(void)
{
	for (;;) {
		uint64_t until = now() + NAP, at;
		struct timespec ts = { (time_t)(until / 1000000000), (long)(until % 1000000000) };

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) != 0) {
		}
		at = now();
		watch_note(at, at - until);
	}
}

/* --- calls that fail, or end before their time, when their thread is stopped --- */

static void *in_epoll_wait(void *arg)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;

	for (;;) {
		if (epoll_wait(fd, &event, 1, arg == NULL ? -1 : A_LONG_TIME * 1000) != 0)
			record->failed++;
	}
	return NULL;
}

static void *in_epoll_pwait(void *arg)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	sigset_t none;

	(void)arg;
	(void)sigemptyset(&none);
	for (;;) {
		if (epoll_pwait(fd, &event, 1, -1, &none) != 0)
			record->failed++;
	}
	return NULL;
}

static const struct timeval long_time = { .tv_sec = A_LONG_TIME };

static void *in_recv(void *arg)
{
	int fds[2];
	char byte;

	(void)arg;
	(void)socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	(void)setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
	for (;;) {
		if (recv(fds[0], &byte, 1, 0) != 1)
			record->failed++;
	}
	return NULL;
}

static void *in_accept(void *arg)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)arg;
	(void)bind(fd, (struct sockaddr *)&name, sizeof(sa_family_t)); /* a name that the kernel chooses */
	(void)listen(fd, 1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
	for (;;) {
		if (accept(fd, NULL, NULL) < 0)
			record->failed++;
	}
	return NULL;
}

static void *in_sigwait(void *arg)
{
	const struct timespec time = { .tv_sec = A_LONG_TIME };
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR2);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		if ((arg == NULL ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &time)) < 0)
			record->failed++;
	}
	return NULL;
}

static void *in_getevents(void *arg)
{
	aio_context_t context = 0;
	struct io_event event;

	(void)arg;
	if (syscall(SYS_io_setup, 1, &context) != 0)
		return NULL;
	for (;;) {
		if (syscall(SYS_io_getevents, context, 1, 1, &event, NULL) < 0)
			record->failed++;
	}
	return NULL;
}

/* A write of more than there is room for ends short of it. */
static void *in_write(void *arg)
{
	char *bytes = calloc(1, PIPE_SIZE);
	int fds[2], made = arg == NULL ? pipe(fds) : socketpair(AF_UNIX, SOCK_STREAM, 0, fds);

	while (made == 0 && bytes != NULL) {
		ssize_t done =
		    arg == NULL ? write(fds[1], bytes, PIPE_SIZE) : send(fds[1], bytes, PIPE_SIZE, 0);

		if (done < PIPE_SIZE)
			record->failed++;
		while (done > 0) { /* room for the next one to begin with */
			ssize_t out = read(fds[0], bytes, (size_t)done);

			if (out <= 0)
				break;
			done -= out;
		}
	}
	return NULL;
}

/* Start a thread in each of them. Returns how many. */
EXPORT int watch_calls(void);
int watch_calls(void)
{
	static const struct {
		void *(*run)(void *);
		void *arg;
	} calls[] = {
		{ in_epoll_wait, NULL },
		{ in_epoll_wait, &record },
		{ in_epoll_pwait, NULL },
		{ in_recv, NULL },
		{ in_accept, NULL },
		{ in_sigwait, NULL },
		{ in_sigwait, &record },
		{ in_getevents, NULL },
		{ in_write, NULL },
		{ in_write, &record },
	};
	int n = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		pthread_t thread;

		n += pthread_create(&thread, NULL, calls[i].run, calls[i].arg) == 0;
	}
	return n;
}
