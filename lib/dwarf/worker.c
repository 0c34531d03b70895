/* A confined child process and its reply. */
#include "dwarf/worker.h"

#if defined(WITH_LIBDWARF) || defined(WITH_LIBIBERTY)

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/again.h"
#include "base/bound.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/owned.h"
#include "os/confine.h"

enum {
	SECONDS_MAX = 2,      /* of processor time */
	WAIT_MAX_MS = 5000,   /* for the reply, on a busy machine; */
	SLICE_MS = 100,       /* the program's own time is looked at so often */
	MEMORY_MAX = 1 << 30, /* beyond what is mapped from files */
	EXIT_NO_MEMORY = 3,
	EXIT_UNHEARD,
};

static void set_limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(what, &now) != 0 || now.rlim_cur <= most)
		return;
	now.rlim_cur = most;
	(void)setrlimit(what, &now);
}

/* Reply to fd; does not return. Handlers that the parent installed must not run here. */
static void __attribute__((noreturn))
run_child(pid_t parent, int fd, const struct worker_job *job, void *reply, size_t room)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGSEGV, SIGBUS,
		SIGABRT, SIGXCPU };
	uint32_t n;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_DFL);
	if (!os_die_with_parent(parent))
		_exit(0);
	set_limit(RLIMIT_CORE, 0);
	set_limit(RLIMIT_CPU, SECONDS_MAX);
#ifndef __SANITIZE_ADDRESS__
	set_limit(RLIMIT_DATA, MEMORY_MAX);
#endif
	/* Libraries may write messages when they fail; nobody wants them. */
	for (int std = 0; std <= 2; std++) {
		if (std != fd)
			(void)close(std);
	}
	os_sandbox(fd);
	errno = 0;
	n = (uint32_t)job->run(job->arg, reply, room);
	/* Libraries do not tell a failed allocation from other failures, or go on without; errno
	 * remains. */
	if (errno == ENOMEM)
		_exit(EXIT_NO_MEMORY);
	if (!fileio_write(fd, &n, sizeof(n)) || !fileio_write(fd, reply, n))
		_exit(EXIT_UNHEARD);
	_exit(0);
}

/* Read n bytes before the deadline. False: *why is ETIMEDOUT if it has passed, 0 at the end of the
 * pipe, or the error. */
static bool read_reply(int fd, int64_t deadline, void *bytes, size_t n, int *why)
{
	uint8_t *at = bytes;
	unsigned times = 0;

	while (n > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - clock_now_ms();
		ssize_t got;
		int ready = left <= 0 ? 0 : poll(&p, 1, left < SLICE_MS ? (int)left : SLICE_MS);

		*why = ready < 0 ? errno : ready == 0 ? ETIMEDOUT : 0;
		if (again_after(*why, &times))
			continue;
		if (ready == 0 && left > SLICE_MS && !bound_passed(BOUND_NAMES))
			continue;
		if (ready <= 0)
			return false;
		got = read(fd, at, n);
		*why = got < 0 ? errno : 0;
		if (again_after(*why, &times))
			continue;
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

/* End the child, and tell how it had ended before, if it had. */
static enum worker_end end_child(pid_t pid)
{
	int status = 0;
	unsigned times = 0;

	(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && again_after(errno, &times)) {
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return WORKER_LATE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_MEMORY)
		return WORKER_NO_MEMORY;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNHEARD ? WORKER_UNHEARD : WORKER_DIED;
}

enum res worker_run(const struct worker_job *job, struct worker_reply *reply, struct fault *f)
{
	OWNED(fd_release) int from = -1;
	OWNED(fd_release) int to = -1;
	int64_t deadline = clock_now_ms() + WAIT_MAX_MS;
	int ends[2];
	uint32_t length = 0;
	pid_t self = getpid(), pid;
	enum worker_end end;
	bool whole;
	int why = 0;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return fault_set(f, 0, errno, 0, "cannot create a pipe: %s", strerror(errno));
	from = ends[0];
	to = ends[1];
	pid = fork();
	if (pid < 0)
		return fault_set(f, 0, errno, 0, "cannot fork: %s", strerror(errno));
	if (pid == 0)
		run_child(self, to, job, reply->at, reply->room);
	fd_release(&to);
	to = -1;
	whole = read_reply(from, deadline, &length, sizeof(length), &why) && length <= reply->room &&
		read_reply(from, deadline, reply->at, length, &why);
	end = end_child(pid);
	reply->end = why == ETIMEDOUT ? WORKER_LATE : why != 0 ? WORKER_UNHEARD : end;
	if (!whole)
		return RES_NONE;
	reply->n = length;
	return RES_OK;
}

enum res worker_fault(enum worker_end end, const char *what, struct fault *f)
{
	if (end == WORKER_LATE)
		return fault_set(f, 0, ETIMEDOUT, 0, "%s takes too long to read", what);
	if (end == WORKER_NO_MEMORY)
		return fault_set(f, 0, ENOMEM, 0,
		    "%s takes too much memory to read (more than 1 GiB, or than "
		    "--memory, ulimit -v or -d allow)",
		    what);
	if (end == WORKER_UNHEARD)
		return fault_set(f, 0, EIO, 0, "%s was read by a child process whose reply was lost", what);
	return fault_set(f, 0, 0, 0, "%s is damaged, or of a kind that the library cannot read", what);
}

#endif
