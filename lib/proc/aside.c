/* A child process with three descriptors: for its input, its output and its messages. */
#include "proc/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/again.h"
#include "base/clock.h"
#include "base/owned.h"
#include "base/vec.h"

enum { STANDARD = 3 };

/* Close all descriptors from STANDARD on. */
static void close_others(void)
{
	struct rlimit most;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)STANDARD, ~0u, 0) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &most) != 0)
		most.rlim_cur = 1024;
	for (rlim_t fd = STANDARD; fd < most.rlim_cur; fd++)
		(void)close((int)fd);
}

/* Move fd to its place. The descriptor there is not needed, because copies of all three have higher
 * numbers. */
static void move_fd(int fd, int where)
{
	if (fd < 0)
		(void)close(where);
	else
		(void)dup2(fd, where);
}

static int dup_higher(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD, STANDARD);
}

/* What a child does, and its descriptors. */
struct task {
	int in, out, say;
	void (*work)(void *data);
	void *data;
};

static void __attribute__((noreturn)) run_child(pid_t parent, const struct task *task)
{
	int in, out, say;
	sigset_t all;

	/* The parent's handlers must not run in the child. Only SIGKILL ends it. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	in = dup_higher(task->in);
	out = dup_higher(task->out);
	say = dup_higher(task->say);
	move_fd(in, ASIDE_IN);
	move_fd(out, ASIDE_OUT);
	move_fd(say, ASIDE_SAY);
	close_others();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
		task->work(task->data);
	_exit(0);
}

bool aside_start(struct aside *a, int in, int out, void (*work)(void *data), void *data)
{
	OWNED(fd_release) int from = -1;
	OWNED(fd_release) int to = -1;
	pid_t parent = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	from = ends[0];
	to = ends[1];
	pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0)
		run_child(parent, &(struct task){ in, out, to, work, data });
	a->pid = pid;
	a->heard = fd_keep(&from);
	return true;
}

bool aside_say(const void *bytes, size_t n)
{
	return write(ASIDE_SAY, bytes, n) == (ssize_t)n;
}

enum aside_heard aside_hear(const struct aside *a, void *bytes, size_t n, int ms)
{
	const int64_t deadline = clock_now_ms() + ms;
	unsigned times = 0;

	for (;;) {
		struct pollfd p = { .fd = a->heard, .events = POLLIN };
		int64_t left = deadline - clock_now_ms();
		int ready = poll(&p, 1, left < 0 ? 0 : (int)left);

		if (ready < 0 && again_after(errno, &times))
			continue;
		if (ready == 0)
			return ASIDE_LATE;
		/* A pipe delivers a piece of this size whole or not at all. */
		return ready > 0 && read(a->heard, bytes, n) == (ssize_t)n ? ASIDE_HEARD : ASIDE_ENDED;
	}
}

/* False: it has not ended yet. */
static bool reap_child(pid_t pid, bool wait)
{
	unsigned times = 0;
	pid_t ended;

	do
		ended = waitpid(pid, NULL, wait ? 0 : WNOHANG);
	while (ended < 0 && again_after(errno, &times));
	return ended != 0;
}

void aside_end(struct aside *a, bool done, struct aside_left *left)
{
	fd_release(&a->heard);
	if (!done)
		(void)kill(a->pid, SIGKILL);
	if (!reap_child(a->pid, done))
		(void)vec_push(left, a->pid);
}

void aside_reap(struct aside_left *left)
{
	size_t n = 0;

	for (size_t i = 0; i < left->n; i++) {
		if (!reap_child(left->at[i], false))
			left->at[n++] = left->at[i];
	}
	left->n = n;
}
