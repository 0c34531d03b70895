/* LWPs that do not run, observed in /proc: `syscall` has the position of one ("running" if it may
 * run), `schedstat` has its run time and the number of its time slices (Linux
 * Documentation/scheduler/sched-stats.rst). If `schedstat` is the same before and after all other
 * reads, the LWP did not run in between. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/owned.h"
#include "os/blocked.h"
#include "proc/live/live.h"

enum { TEXT_MAX = 512 };

static int open_leaf(const struct live *live, lwpid_t id, const char *leaf)
{
	char path[LIVE_PATH];

	live_lwp_path(path, id, leaf);
	return openat(live->dir, path, O_RDONLY | O_CLOEXEC);
}

/* Read a text of /proc. The kernel generates all of it at every read from its start. False: errno
 * is set. */
static bool read_text(int fd, char *out, size_t n)
{
	ssize_t got = fd < 0 ? -1 : pread(fd, out, n - 1, 0);

	if (got <= 0)
		return false;
	out[got] = '\0';
	return true;
}

/* Descriptors are limited, and other parts of this program need some: only those below the result
 * may be kept. */
static int fd_limit(void)
{
	struct rlimit limit;
	rlim_t some;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	some = limit.rlim_cur / 4 * 3;
	return some < INT_MAX ? (int)some : INT_MAX;
}

/* False: the kernel does not count (zeros, or an empty text), so equal texts prove nothing. */
static bool count_is_valid(const char *schedstat)
{
	uint64_t ran = 0, waited = 0, times = 0;

	return sscanf(schedstat, "%" SCNu64 " %" SCNu64 " %" SCNu64, &ran, &waited, &times) == 3 &&
	       ran != 0 && times != 0;
}

/* "NUMBER ARGUMENT … SP PC" in a system call, else "-1 SP PC" (Linux fs/proc/base.c,
 * proc_pid_syscall). */
static void parse_call(const char *text, struct os_blocked *out)
{
	long number;

	out->in_call =
	    sscanf(text, "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &number,
		&out->args[0], &out->args[1], &out->args[2], &out->args[3], &out->args[4],
		&out->args[5]) == 7;
	out->number = out->in_call && number >= 0 && number <= INT32_MAX ? (int32_t)number : -1;
}

/* The last two numbers are sp and pc, in a system call or not. */
static bool parse_position(const char *text, struct os_blocked *out)
{
	const char *pc = strrchr(text, ' '), *sp = pc;

	parse_call(text, out);
	while (sp != NULL && sp > text && sp[-1] != ' ')
		sp--;
	return sp != NULL && sp > text && sscanf(sp, "%" SCNx64 " %" SCNx64, &out->sp, &out->pc) == 2 &&
	       out->sp != 0 && out->pc != 0;
}

static enum os_lwp_state state_of_errno(void)
{
	return errno == ENOENT || errno == ESRCH ? OS_LWP_GONE : OS_LWP_UNKNOWN;
}

/* An LWP that has ended but still has an id has no position. */
static enum os_lwp_state state_without_position(const struct live *live, lwpid_t id)
{
	char path[LIVE_PATH];
	struct live_stat st;

	live_lwp_path(path, id, "stat");
	if (live_stat_read(live->dir, path, &st, NULL) != RES_OK)
		return OS_LWP_UNKNOWN;
	return st.state == 'Z' || st.state == 'X' ? OS_LWP_GONE : OS_LWP_UNKNOWN;
}

static enum os_lwp_state read_position(const struct live *live, lwpid_t id, struct os_blocked *a)
{
	OWNED(fd_release) int fd = open_leaf(live, id, "syscall");
	char text[TEXT_MAX];

	if (!read_text(fd, text, sizeof(text)))
		return state_of_errno();
	if (strncmp(text, "running", 7) == 0)
		return OS_LWP_RUNS;
	return parse_position(text, a) ? OS_LWP_BLOCKED : state_without_position(live, id);
}

enum os_lwp_state os_lwp_probe(struct ps_prochandle *P, lwpid_t id, struct os_blocked *a)
{
	const struct live *live = live_of(P);
	enum os_lwp_state state;

	if (live == NULL)
		return OS_LWP_UNKNOWN;
	if (a->fd < 0)
		a->fd = open_leaf(live, id, "schedstat");
	if (!read_text(a->fd, a->count, sizeof(a->count)))
		state = state_of_errno();
	else
		state = count_is_valid(a->count) ? read_position(live, id, a) : OS_LWP_UNKNOWN;
	if (state != OS_LWP_BLOCKED || a->fd >= fd_limit())
		os_blocked_free(a);
	return state;
}

bool os_lwp_still_blocked(struct ps_prochandle *P, lwpid_t id, const struct os_blocked *a)
{
	const struct live *live = live_of(P);
	OWNED(fd_release) int fd = live == NULL || a->fd >= 0 ? -1 : open_leaf(live, id, "schedstat");
	char now[sizeof(a->count)];

	return live != NULL && read_text(a->fd >= 0 ? a->fd : fd, now, sizeof(now)) &&
	       strcmp(now, a->count) == 0;
}

/* Enlarge the table of descriptors to its final size. While another thread uses it, each
 * enlargement takes the kernel milliseconds (Linux fs/file.c expand_fdtable: it waits until no
 * processor uses the old table). */
static void grow_table(const struct live *live, size_t n)
{
	size_t most = (size_t)fd_limit();
	int fd = fcntl(live->dir, F_DUPFD_CLOEXEC, (int)(n < most ? n : most));

	if (fd >= 0)
		(void)close(fd);
}

bool os_probe_ahead_prepare(struct ps_prochandle *P, size_t n)
{
	enum { OTHERS = 64 }; /* descriptors of the rest of the program, about */
	const struct live *live = live_of(P);
	cpu_set_t cpus;

	if (live == NULL || (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) == 1))
		return false;
	grow_table(live, n + OTHERS);
	return true;
}

void os_blocked_free(struct os_blocked *a)
{
	fd_release(&a->fd);
	a->fd = -1;
}
