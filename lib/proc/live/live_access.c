/* Why the kernel refuses to let a process be read or stopped.
 *
 * The kernel returns just EPERM or EACCES. To find the check that failed, its comparisons are
 * repeated in its order (ptrace(2), "Ptrace access mode checking"): user ids, the dumpable flag,
 * capabilities, then security modules (yama). A seccomp filter comes before all of them. For
 * PTRACE_SEIZE there is one more check: whether there is a tracer already. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "proc/live/live.h"

/* Linux include/uapi/linux/capability.h */
enum { CAP_OVERRIDE_BIT = 1, CAP_READ_BIT = 2, CAP_PTRACE_BIT = 19 };

void hold_process_name(pid_t pid, char *buf, size_t n)
{
	char path[32];
	struct live_stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (live_stat_read(AT_FDCWD, path, &st, NULL) != RES_OK) {
		(void)snprintf(buf, n, "?");
		return;
	}
	(void)snprintf(buf, n, "%s", st.comm); /* not escaped */
}

/* -1: there is no yama. */
static int yama_scope(void)
{
	char text[16];

	if (fileio_head(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) <= 0)
		return -1;
	return atoi(text);
}

/* What gives this process CAP_SYS_PTRACE. Root that lacks it is not told to be root. */
static const char *how_capable(void)
{
	return geteuid() == 0 ? "give it CAP_SYS_PTRACE (in a container: --cap-add=SYS_PTRACE)"
			      : "run as root";
}

static bool why_yama(char *buf, size_t n)
{
	switch (yama_scope()) {
	case 1:
		(void)snprintf(buf, n,
		    "kernel.yama.ptrace_scope is 1, so only descendants may be examined without "
		    "CAP_SYS_PTRACE; %s, or set it to 0 with sysctl",
		    how_capable());
		return true;
	case 2:
		(void)snprintf(buf, n, "kernel.yama.ptrace_scope is 2, which requires CAP_SYS_PTRACE; %s",
		    how_capable());
		return true;
	case 3:
		(void)snprintf(buf, n, "kernel.yama.ptrace_scope is 3, which forbids it until the next boot");
		return true;
	default:
		return false;
	}
}

/* Is it in another user namespace? False also if that cannot be read. */
static bool other_user_namespace(pid_t pid)
{
	char path[48], ours[64], theirs[64];
	ssize_t a, b;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	a = readlink("/proc/self/ns/user", ours, sizeof(ours));
	b = readlink(path, theirs, sizeof(theirs));
	return a > 0 && b > 0 && (a != b || memcmp(ours, theirs, (size_t)a) != 0);
}

static bool has_uid(const struct live_status *target, uid_t uid)
{
	return target->uid[0] == uid && target->uid[1] == uid && target->uid[2] == uid;
}

/* Without CAP_SYS_PTRACE the user ids are checked, then the dumpable flag. */
static bool why_unprivileged(pid_t pid, const struct live_status *target, char *buf, size_t n)
{
	char path[32];
	struct stat st;
	uid_t me = geteuid();

	if (me != 0 && !has_uid(target, me)) {
		(void)snprintf(buf, n, "it belongs to user %u, this is user %u; run as root or as that user",
		    target->uid[1] == me ? target->uid[0] : target->uid[1], me);
		return true;
	}
	if (me == 0 && !has_uid(target, me)) {
		(void)snprintf(buf, n,
		    "it belongs to user %u, and root has no CAP_SYS_PTRACE here "
		    "(in a container: --cap-add=SYS_PTRACE)",
		    target->uid[1]);
		return true;
	}
	/* A file in the directory is used, because the directory itself has the process's owner
	 * even if the process is not dumpable. */
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (me != 0 && stat(path, &st) == 0 && st.st_uid != me) {
		(void)snprintf(buf, n,
		    "it is not dumpable (a set-id or capable program, or prctl "
		    "PR_SET_DUMPABLE); run as root");
		return true;
	}
	return false;
}

/* Files like /proc/PID/mem are opened by their mode first, which lets only their owner. */
static bool why_mode(pid_t pid, const struct live_status *self, char *buf, size_t n)
{
	const uint64_t passes = (uint64_t)1 << CAP_OVERRIDE_BIT | (uint64_t)1 << CAP_READ_BIT;
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if ((self->cap_effective & passes) != 0 || stat(path, &st) != 0 || st.st_uid == geteuid())
		return false;
	(void)snprintf(buf, n,
	    "its files in /proc belong to user %u, and this process has no CAP_DAC_READ_SEARCH; %s",
	    st.st_uid,
	    geteuid() == 0 ? "give it that (in a container: --cap-add=DAC_READ_SEARCH)" : "run as root");
	return true;
}

static void why_denied(pid_t pid, const struct live_status *target, char *buf, size_t n)
{
	struct live_status self;
	bool known = live_status_read(AT_FDCWD, "/proc/self/status", &self, NULL) == RES_OK;
	bool capable = known && (self.cap_effective >> CAP_PTRACE_BIT & 1) != 0;

	if (!capable && why_unprivileged(pid, target, buf, n))
		return;
	if (yama_scope() == 3 && why_yama(buf, n))
		return;
	if (!capable && why_yama(buf, n))
		return;
	if (capable && why_mode(pid, &self, buf, n))
		return;
	if (other_user_namespace(pid))
		(void)snprintf(buf, n,
		    "it is in another user namespace, where this process has no "
		    "CAP_SYS_PTRACE");
	else if (known && !capable && (target->cap_permitted & ~self.cap_permitted) != 0)
		(void)snprintf(buf, n, "it has capabilities that this process lacks; %s", how_capable());
	else if (known && self.seccomp == 2)
		(void)snprintf(buf, n,
		    "a seccomp filter on this process may forbid it (in a container: "
		    "--cap-add=SYS_PTRACE or another seccomp profile)");
	else if (!capable)
		(void)snprintf(buf, n, "this process has no CAP_SYS_PTRACE; %s", how_capable());
	else
		(void)snprintf(buf, n,
		    "it may belong to another user namespace, or a security module of the kernel forbids it");
}

int hold_why_refused(pid_t pid, lwpid_t id, char *buf, size_t n)
{
	char path[64], name[64];
	struct live_status target;
	int sys = 0;

	buf[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, id);
	switch (live_status_read(AT_FDCWD, path, &target, &sys)) {
	case RES_OK:
		break;
	case RES_NONE:
		if (kill(pid, 0) == 0 || errno != EPERM) /* signal 0 only checks */
			return G_NOPROC;
		(void)snprintf(
		    buf, n, "its /proc directory is hidden (mount option hidepid); %s", how_capable());
		return G_PERM;
	case RES_FAIL:
	default:
		(void)snprintf(buf, n, "its /proc directory cannot be read: %s", strerror(sys));
		return G_PERM;
	}
	if (target.tracer != 0) {
		hold_process_name(target.tracer, name, sizeof(name));
		(void)snprintf(buf, n, "traced by %s (pid %d)", name, target.tracer);
		return G_BUSY;
	}
	why_denied(pid, &target, buf, n);
	return G_PERM;
}
