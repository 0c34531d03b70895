/* lib/os on illumos, over the system's libproc: registers, LWPs, memory, signals.
 *
 * Written from proc(5) and libproc(3LIB), and compiled against declarations (make check-illumos);
 * it has not been run on illumos. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "os/arguments.h"
#include "os/container.h"
#include "os/blocked.h"
#include "os/confine.h"
#include "os/lwps.h"
#include "os/mappings.h"
#include "os/read.h"
#include "os/regs.h"
#include "os/self.h"
#include "os/signals.h"

enum res os_container(struct ps_prochandle *P, bool always, struct os_container *out)
{
	(void)P;
	(void)always;
	(void)out;
	return RES_NONE;
}

enum res os_arguments(struct ps_prochandle *P, struct strbuf *out)
{
	(void)P;
	(void)out;
	return RES_NONE;
}

const struct arch *os_arch(struct ps_prochandle *P)
{
	return arch_of_model(Pstatus(P)->pr_dmodel);
}

/* It has one C library, whose descriptors are not read. */
const struct arch_libc *os_libc(struct ps_prochandle *P)
{
	return &os_arch(P)->libc[0];
}

/* pthread_self() is the LWP's number: every thread is bound to one LWP. */
uintptr_t os_thread_pointer(struct ps_prochandle *P, lwpid_t id, const prgregset_t regs)
{
	(void)P;
	(void)regs;
	return id;
}

bool os_thread_is_address(struct ps_prochandle *P)
{
	(void)P;
	return false;
}

void os_thread_pointers(struct ps_prochandle *P, const lwpid_t *ids, size_t n, uint64_t *out)
{
	(void)P;
	for (size_t i = 0; i < n; i++)
		out[i] = ids[i];
}

bool os_is_forked(struct ps_prochandle *P)
{
	(void)P;
	return true; /* it is not known (pstatus has no such flag) */
}

void os_thread_pointers_again(struct ps_prochandle *P, const lwpid_t *ids, size_t n, uint64_t *out)
{
	os_thread_pointers(P, ids, n, out);
}

/* A child of vfork has an LWP of its own (vfork(2)). */
uint64_t os_maker_pointer(struct ps_prochandle *P)
{
	(void)P;
	return 0;
}

lwpid_t os_inner_lwpid(struct ps_prochandle *P, lwpid_t id)
{
	(void)P;
	return id; /* ids are the same in every zone */
}

/* --- LWPs --- */

struct listing {
	os_lwpids *ids;
	bool failed;
};

static int list_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct listing *l = data;

	if (status != NULL && !vec_push(l->ids, (lwpid_t)info->pr_lwpid))
		l->failed = true;
	return l->failed;
}

enum res os_lwp_list(struct ps_prochandle *P, os_lwpids *out, struct fault *f)
{
	struct listing l = { out, false };
	int result = Plwp_iter_all(P, list_lwp, &l);

	if (l.failed)
		return fault_memory(f);
	if (result == 0)
		return RES_OK;
	if (Ppsinfo(P) == NULL)
		return fault_set(f, G_NOPROC, 0, 0, "the process has exited");
	return fault_set(f, G_STRANGE, 0, 0, "its threads cannot be listed");
}

size_t os_lwp_count(struct ps_prochandle *P)
{
	(void)P;
	return 0; /* pr_nlwp of psinfo has the number, but is not updated for each call */
}

void os_mapped_now(struct ps_prochandle *P, const uint64_t *va, size_t n, struct os_range *out)
{
	(void)P;
	(void)va;
	memset(out, 0, n * sizeof(*out));
}

size_t os_touched(
    struct ps_prochandle *P, uint64_t lo, uint64_t hi, struct os_range *out, size_t room, uint64_t *upto)
{
	(void)P;
	(void)room;
	*out = (struct os_range){ lo, hi, true };
	*upto = hi;
	return 1;
}

uint64_t os_code_token(struct ps_prochandle *P)
{
	(void)P;
	return 0;
}

uint64_t os_code_token_grabbed(struct ps_prochandle *P)
{
	(void)P;
	return 0;
}

/* --- LWPs that have ended or do not run --- */

lwpid_t os_first_lwp(struct ps_prochandle *P)
{
	(void)P;
	return 1;
}

/* Not known for a live process. */
bool os_lwp_is_zombie(struct ps_prochandle *P, lwpid_t id)
{
	(void)P;
	(void)id;
	return false;
}

/* Read /proc/PID/lwp/ID/lwpstatus. */
static enum os_lwp_state read_status(struct ps_prochandle *P, lwpid_t id, lwpstatus_t *out)
{
	char path[64];
	OWNED(fd_release) int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/lwp/%u/lwpstatus", (int)Pstatus(P)->pr_pid, id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? OS_LWP_GONE : OS_LWP_UNKNOWN;
	if (fileio_pread(fd, out, sizeof(*out), 0) != (ssize_t)sizeof(*out))
		return OS_LWP_UNKNOWN;
	return OS_LWP_BLOCKED;
}

/* Its run time in nanoseconds: pr_utime and pr_stime, which increase whenever it runs. */
static void set_run_time(const lwpstatus_t *status, struct os_blocked *a)
{
	(void)snprintf(a->count, sizeof(a->count), "%lld.%09ld %lld.%09ld",
	    (long long)status->pr_utime.tv_sec, status->pr_utime.tv_nsec, (long long)status->pr_stime.tv_sec,
	    status->pr_stime.tv_nsec);
}

/* Registers are defined only for a stopped LWP (proc(5)). A sleeping one must be held, which costs
 * little, because the stop is one of the whole process. An LWP that another program has stopped is
 * read as it is. */
enum os_lwp_state os_lwp_probe(struct ps_prochandle *P, lwpid_t id, struct os_blocked *a)
{
	lwpstatus_t status;
	enum os_lwp_state state = read_status(P, id, &status);

	if (state != OS_LWP_BLOCKED)
		return state;
	if ((status.pr_flags & PR_STOPPED) == 0)
		return OS_LWP_UNKNOWN;
	a->in_call = false;
	a->pc = (uint64_t)status.pr_reg[R_PC];
	a->sp = (uint64_t)status.pr_reg[R_SP];
	set_run_time(&status, a);
	return a->pc != 0 && a->sp != 0 ? OS_LWP_BLOCKED : OS_LWP_UNKNOWN;
}

bool os_lwp_still_blocked(struct ps_prochandle *P, lwpid_t id, const struct os_blocked *a)
{
	struct os_blocked now = OS_BLOCKED_INIT;

	return os_lwp_probe(P, id, &now) == OS_LWP_BLOCKED && now.pc == a->pc && now.sp == a->sp &&
	       strcmp(now.count, a->count) == 0;
}

bool os_probe_ahead_prepare(struct ps_prochandle *P, size_t n)
{
	(void)P;
	(void)n;
	return false; /* a handle of libproc must be used by one thread only */
}

void os_blocked_free(struct os_blocked *a)
{
	fd_release(&a->fd);
	a->fd = -1;
}

/* --- memory --- */

ssize_t os_read(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va)
{
	ssize_t got = Pread(P, buf, n, va);

	return got < 0 ? 0 : got;
}

void os_read_pieces(struct ps_prochandle *P, struct os_piece *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pieces[i].got = (size_t)os_read(P, pieces[i].to, pieces[i].n, pieces[i].va);
}

/* Reads of the open /proc/PID/as fail once the process has ended. After exec(2) its break and stack
 * have other addresses. */
bool os_same_process(struct ps_prochandle *P)
{
	const pstatus_t *then = Pstatus(P);
	OWNED(fd_release) int fd = -1;
	pstatus_t now;
	char path[32], byte;

	if (Pstate(P) == PS_DEAD)
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)then->pr_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && fileio_pread(fd, &now, sizeof(now), 0) == (ssize_t)sizeof(now) &&
	       now.pr_pid == then->pr_pid && now.pr_brkbase == then->pr_brkbase &&
	       now.pr_stkbase == then->pr_stkbase && now.pr_dmodel == then->pr_dmodel &&
	       Pread(P, &byte, 1, then->pr_stkbase + then->pr_stksize - 1) == 1;
}

/* Nothing is known of file systems here. */
struct ps_prochandle *os_grab_again(struct ps_prochandle *P, int flags, int *perr)
{
	return Pgrab(Pstatus(P)->pr_pid, flags, perr);
}

ssize_t os_read_same(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va)
{
	return os_read(P, buf, n, va);
}

/* --- signals --- */

const char *os_signal_name(struct ps_prochandle *P, int signo, char *buf, size_t n)
{
	const char *name = signal_of_illumos(signo);

	(void)P;
	if (name != NULL)
		(void)snprintf(buf, n, "SIG%s", name);
	else
		(void)snprintf(buf, n, "signal %d", signo);
	return buf;
}

struct os_signal_cause os_signal_cause(struct ps_prochandle *P, const lwpstatus_t *lwp)
{
	const siginfo_t *info = &lwp->pr_info;
	struct os_signal_cause cause = { .sender = 0 };
	int signo = info->si_signo;

	(void)P;
	if (lwp->pr_cursig == 0 || signo != lwp->pr_cursig)
		return cause;
	if (SI_FROMUSER(info)) {
		cause.sender = info->si_pid;
		return cause;
	}
	cause.has_address =
	    signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE || signo == SIGTRAP;
	cause.address = cause.has_address ? (uintptr_t)info->si_addr : 0;
	return cause;
}

/* --- this program itself --- */

/* /proc/self/map is an array of prmap_t; /proc/self/path/NAME is a link to the file of each
 * pr_mapname. */
char *os_own_file_at(uintptr_t addr, char *buf, size_t n)
{
	static const char directory[] = "/proc/self/path/";
	char path[sizeof(directory) + PRMAPSZ] = "/proc/self/path/";
	int fd = open("/proc/self/map", O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;
	prmap_t map;

	while (fd >= 0 && got < 0 && read(fd, &map, sizeof(map)) == (ssize_t)sizeof(map)) {
		if (addr < map.pr_vaddr || addr - map.pr_vaddr >= map.pr_size)
			continue;
		memcpy(path + sizeof(directory) - 1, map.pr_mapname, PRMAPSZ);
		path[sizeof(path) - 1] = '\0';
		got = map.pr_mapname[0] == '\0' ? 0 : readlink(path, buf, n - 1);
		if (got < 0)
			got = 0;
	}
	if (fd >= 0)
		(void)close(fd);
	if (got <= 0)
		return NULL;
	buf[got] = '\0';
	return buf;
}

/* Privileges could be dropped, but not system calls that need none. */
bool os_die_with_parent(pid_t parent)
{
	(void)parent;
	return true;
}

void os_sandbox(int fd)
{
	(void)fd;
}

/* Not told: RLIMIT_DATA alone would limit it. */
bool os_self_data(uint64_t *bytes)
{
	(void)bytes;
	return false;
}
