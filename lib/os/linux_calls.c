/* System calls that threads wait in, by the registers of their arguments. */
#include <linux/futex.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "arch/syscalls.h"
#include "os/calls.h"
#include "os/read.h"
#include "os/regs.h"
#include "proc/live/live.h"

#define SECOND INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)
#define MICROSECOND INT64_C(1000)

/* How an argument says how long a call waits. */
enum limit {
	NO_LIMIT,
	MILLISECONDS, /* i32, negative: for ever */
	TIMESPEC,     /* address of seconds and nanoseconds; 0: for ever */
	TIMEVAL,      /* of seconds and microseconds */
	BY_FLAGS,     /* clock_nanosleep(clock, flags, time): TIMER_ABSTIME */
	BY_OPERATION, /* futex(word, operation, value, time) */
};

/* Calls that wait until a signal or what they wait for comes, and nothing else: no disk. */
static const struct call_row {
	const char *name;
	uint8_t limit; /* enum limit */
	uint8_t arg;   /* its argument */
} rows[] = {
	{ "futex", BY_OPERATION, 3 }, { "futex_time64", BY_OPERATION, 3 }, { "poll", MILLISECONDS, 2 },
	{ "epoll_wait", MILLISECONDS, 3 }, { "epoll_pwait", MILLISECONDS, 3 },
	{ "epoll_pwait2", TIMESPEC, 3 }, { "select", TIMEVAL, 4 }, { "_newselect", TIMEVAL, 4 },
	{ "pselect6", TIMESPEC, 4 }, { "pselect6_time64", TIMESPEC, 4 }, { "ppoll", TIMESPEC, 2 },
	{ "ppoll_time64", TIMESPEC, 2 }, { "nanosleep", TIMESPEC, 0 }, { "clock_nanosleep", BY_FLAGS, 2 },
	{ "clock_nanosleep_time64", BY_FLAGS, 2 }, { "rt_sigtimedwait", TIMESPEC, 2 },
	{ "rt_sigtimedwait_time64", TIMESPEC, 2 }, { "semtimedop", TIMESPEC, 3 },
	{ "restart_syscall", NO_LIMIT, 0 }, { "pause", NO_LIMIT, 0 }, { "rt_sigsuspend", NO_LIMIT, 0 },
	{ "wait4", NO_LIMIT, 0 }, { "waitid", NO_LIMIT, 0 }, { "accept", NO_LIMIT, 0 },
	{ "accept4", NO_LIMIT, 0 }, { "recvfrom", NO_LIMIT, 0 }, { "recvmsg", NO_LIMIT, 0 },
	{ "vfork", NO_LIMIT, 0 }, /* in state D, but for no disk */
};

const char *os_call_name(const struct arch *arch, int32_t number)
{
	const struct arch_syscall *call = arch_syscall_at(arch->system->calls, number);

	return call == NULL ? NULL : call->name;
}

/* The calls that restart_syscall resumes (users of set_restart_fn in Linux). */
static bool is_resumable(const char *name)
{
	static const char *const names[] = { "futex", "futex_time64", "poll", "nanosleep", "clock_nanosleep",
		"clock_nanosleep_time64" };

	for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

void os_call_resumed(
    struct ps_prochandle *P, const struct arch *arch, const prgregset_t regs, bool all, struct os_call *call)
{
	const uint64_t pc = (uint64_t)regs[R_PC];
	uint8_t code[ARCH_CALL_CODE];
	const char *name;
	int32_t number;

	if (call->name == NULL || strcmp(call->name, "restart_syscall") != 0 || pc < sizeof(code) ||
	    Pread(P, code, sizeof(code), (uintptr_t)(pc - sizeof(code))) != sizeof(code) ||
	    !arch_call_of_code(arch, code, &number))
		return;
	name = os_call_name(arch, number);
	if (!is_resumable(name))
		return;
	call->number = number;
	call->name = name;
	for (int i = 0; all && i < ARCH_ARGS; i++)
		call->args[i] = (uint64_t)regs[arch->system->prgreg[arch->args[i]]];
}

static const struct call_row *call_row_of(const struct os_call *call)
{
	const char *name = call->name;

	for (size_t i = 0; name != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

bool os_may_be_stopped(struct ps_prochandle *P)
{
	const struct live *live = live_of(P);

	return live != NULL &&
	       (live->stat.state == 'T' || live->stat.state == 't' || live->status.tracer != 0);
}

bool os_rest_varies(struct ps_prochandle *P, const struct os_call *call)
{
	return live_of(P) != NULL && (os_may_be_stopped(P) || call_row_of(call) == NULL);
}

static bool has_tracer(const struct live *live, lwpid_t id)
{
	struct live_status status;
	char path[LIVE_PATH];

	live_lwp_path(path, id, "status");
	return live_status_read(live->dir, path, &status, NULL) == RES_OK && status.tracer != 0 &&
	       status.tracer != getpid();
}

enum os_rest os_lwp_rest(struct ps_prochandle *P, lwpid_t id)
{
	const struct live *live = live_of(P);
	char path[LIVE_PATH];
	struct live_stat st;

	if (live == NULL)
		return OS_REST_UNKNOWN;
	live_lwp_path(path, id, "stat");
	if (live_stat_read(live->dir, path, &st, NULL) != RES_OK)
		return OS_REST_UNKNOWN;
	switch (st.state) {
	case 'S':
		return OS_REST_SLEEP;
	case 'D':
		return OS_REST_DISK;
	case 'T':
		return OS_REST_STOPPED;
	case 't':
		/* Just released, it has no tracer any more; or it is held by this process. */
		return has_tracer(live, id) ? OS_REST_TRACED : OS_REST_UNKNOWN;
	default:
		return OS_REST_UNKNOWN;
	}
}

void os_status_call(const lwpstatus_t *status, struct os_call *out)
{
	*out = (struct os_call)OS_CALL_INIT;
	if ((status->pr_flags & PR_ASLEEP) == 0)
		return;
	out->number = status->pr_syscall;
	for (int i = 0; i < status->pr_nsysarg && i < ARCH_ARGS; i++)
		out->args[i] = (uint64_t)status->pr_sysarg[i];
}

/* Are the times of this call words of 32 bits? */
static bool has_32bit_time(const struct arch *arch, const struct call_row *row)
{
	return arch->pointer_size == sizeof(int32_t) && strstr(row->name, "time64") == NULL &&
	       strcmp(row->name, "epoll_pwait2") != 0;
}

/* The process that makes a call. */
struct caller {
	struct ps_prochandle *P; /* has its memory */
	const struct arch *arch;
	struct ps_prochandle *live; /* NULL: it is not a live process */
};

/* Two numbers at va, the second of which counts parts of a second. False: there is no time. */
static bool read_time(
    const struct caller *from, const struct call_row *row, uint64_t va, int64_t unit, int64_t *ns)
{
	int64_t time[2] = { 0 };
	int32_t words[2];

	if (has_32bit_time(from->arch, row)) {
		if (Pread(from->P, words, sizeof(words), (uintptr_t)va) != sizeof(words))
			return false;
		time[0] = words[0];
		time[1] = words[1];
	} else if (Pread(from->P, time, sizeof(time), (uintptr_t)va) != sizeof(time)) {
		return false;
	}
	if (time[0] < 0 || time[0] > INT64_MAX / SECOND - 1 || time[1] < 0 || time[1] >= SECOND / unit)
		return false;
	*ns = time[0] * SECOND + time[1] * unit;
	return true;
}

/* Does live P have this program's monotonic clock? A time namespace has one of its own. */
static bool has_our_clock(struct ps_prochandle *P)
{
	const struct live *live = live_of(P);
	struct stat ours, its;

	return live != NULL && stat("/proc/self/ns/time", &ours) == 0 &&
	       fstatat(live->dir, "ns/time", &its, 0) == 0 && ours.st_ino == its.st_ino;
}

/* Turn *ns, a time of this clock, into the time from now until then. */
static enum os_timeout time_left(struct ps_prochandle *live, clockid_t clock, int64_t *ns)
{
	struct timespec now;

	if (live == NULL || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) ||
	    (clock != CLOCK_REALTIME && !has_our_clock(live)) || clock_gettime(clock, &now) != 0)
		return OS_TIMEOUT_NONE;
	*ns -= now.tv_sec * SECOND + now.tv_nsec;
	return OS_TIMEOUT_LEFT;
}

static enum os_timeout futex_timeout(
    const struct caller *from, const struct call_row *row, const struct os_call *call, int64_t *ns)
{
	bool real = (call->args[1] & FUTEX_CLOCK_REALTIME) != 0;

	switch (call->args[1] & (unsigned)FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return read_time(from, row, call->args[3], 1, ns) ? OS_TIMEOUT_AFTER : OS_TIMEOUT_NONE;
	case FUTEX_LOCK_PI:
		real = true;
		break;
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_BITSET:
		break;
	default:
		return OS_TIMEOUT_NONE;
	}
	if (!read_time(from, row, call->args[3], 1, ns))
		return OS_TIMEOUT_NONE;
	return time_left(from->live, real ? CLOCK_REALTIME : CLOCK_MONOTONIC, ns);
}

enum os_timeout os_call_timeout(struct ps_prochandle *P, const struct arch *arch, struct ps_prochandle *live,
    const struct os_call *call, int64_t *ns)
{
	const struct caller from = { .P = P, .arch = arch, .live = live };
	const struct call_row *row = call_row_of(call);
	uint64_t arg = row == NULL ? 0 : call->args[row->arg];
	enum limit limit = row == NULL ? NO_LIMIT : (enum limit)row->limit;

	if (limit == MILLISECONDS) {
		*ns = (int64_t)(int32_t)arg * MILLISECOND;
		return *ns < 0 ? OS_TIMEOUT_NONE : OS_TIMEOUT_AFTER;
	}
	if (limit == NO_LIMIT || arg == 0)
		return OS_TIMEOUT_NONE;
	if (limit == BY_OPERATION)
		return futex_timeout(&from, row, call, ns);
	if (!read_time(&from, row, arg, limit == TIMEVAL ? MICROSECOND : 1, ns))
		return OS_TIMEOUT_NONE;
	if (limit == BY_FLAGS && (call->args[1] & TIMER_ABSTIME) != 0)
		return time_left(live, (clockid_t)call->args[0], ns);
	return OS_TIMEOUT_AFTER;
}

uint64_t os_call_futex(const struct os_call *call)
{
	const struct call_row *row = call_row_of(call);
	uint64_t command = call->args[1] & (unsigned)FUTEX_CMD_MASK;

	if (row == NULL || row->limit != BY_OPERATION)
		return 0;
	return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET ? call->args[0] : 0;
}

/* glibc sleeps with this value in the word of a mutex, and stores the owner after it has locked it
 * and before it unlocks it (nptl/lowlevellock.h, nptl/pthread_mutex_lock.c). Semaphores and
 * condition variables use FUTEX_WAIT_BITSET. */
enum { LOCKED_AWAITED = 2 };

/* pthread_mutex_t (sysdeps/x86/nptl/bits/struct_mutex.h). */
struct mutex {
	int32_t lock;
	uint32_t count;
	int32_t owner;
	union {
		struct {
			uint32_t users, kind;
		} of_64;
		struct {
			uint32_t kind, users;
		} of_32;
	} last;
};

uint64_t os_call_mutex(const struct os_call *call)
{
	const struct call_row *row = call_row_of(call);

	if (row == NULL || row->limit != BY_OPERATION ||
	    (call->args[1] & (unsigned)FUTEX_CMD_MASK) != FUTEX_WAIT ||
	    (uint32_t)call->args[2] != LOCKED_AWAITED)
		return 0;
	return call->args[0];
}

/* The locks inside of malloc and stdio sleep in the same way, but have other data where a mutex has
 * its owner (malloc: a flag, which is 1, the first process of a container). A mutex that is held
 * has users, and few of the bits of its kind are in use. */
static lwpid_t owner_of(struct ps_prochandle *P, const struct mutex *m)
{
	enum { KIND_MAX = 1023, USERS_MAX = 1 << 22 };
	bool is_64bit = os_arch(P)->pointer_size == sizeof(uint64_t);
	uint32_t users = is_64bit ? m->last.of_64.users : m->last.of_32.users,
		 kind = is_64bit ? m->last.of_64.kind : m->last.of_32.kind;

	return m->lock == LOCKED_AWAITED && m->owner > 0 && users >= 1 && users <= USERS_MAX &&
		       kind <= KIND_MAX
		   ? (lwpid_t)m->owner
		   : 0;
}

lwpid_t os_mutex_owner(struct ps_prochandle *P, uint64_t at)
{
	struct mutex m;

	return Pread(P, &m, sizeof(m), (uintptr_t)at) == sizeof(m) ? owner_of(P, &m) : 0;
}

lwpid_t os_mutex_owner_now(struct ps_prochandle *live, uint64_t at)
{
	struct mutex m;

	return os_read_same(live, &m, sizeof(m), (uintptr_t)at) == sizeof(m) ? owner_of(live, &m) : 0;
}
