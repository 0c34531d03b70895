/* The process or core that a command-line operand names, and its LWPs.
 *
 *   123   /proc/123   core   dir/core   each optionally followed by   /lwps
 *
 * A process takes precedence over a file of the same name (`./123` is the file). Only regular files
 * are opened, because opening a FIFO can block and opening a device can have side effects. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "proc/core/core.h"
#include "proc/handle.h"

enum { PID_DIGITS = 10 };

/* The digits of `123` or `/proc/123`; NULL: arg is neither. */
static const char *pid_digits(const char *arg)
{
	static const char proc[] = "/proc/";
	size_t n;

	if (strncmp(arg, proc, sizeof(proc) - 1) == 0)
		arg += sizeof(proc) - 1;
	n = strspn(arg, "0123456789");
	return n > 0 && n <= PID_DIGITS && arg[n] == '\0' ? arg : NULL;
}

/* Does the number name a process? /proc/TID exists for every thread, but only the leader's id names
 * the process. If the status cannot be read, the number is taken for a process, so that the grab
 * reports the reason. */
static bool is_leader(const char *digits)
{
	OWNED(mem_release) char *text = NULL;
	char path[32];
	const char *tgid;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%s/status", digits);
	if (fileio_slurp(AT_FDCWD, path, 1 << 16, &text, &n) != 0)
		return errno != ENOENT && errno != ESRCH;
	tgid = strstr(text, "\nTgid:");
	return tgid == NULL || strtol(tgid + 6, NULL, 10) == strtol(digits, NULL, 10);
}

/* The process that arg names; 0: none. */
static pid_t process_named(const char *arg)
{
	const char *digits = pid_digits(arg);
	struct stat st;
	char path[32];
	long pid;

	if (digits == NULL)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%s", digits);
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode) || !is_leader(digits))
		return 0;
	pid = strtol(digits, NULL, 10);
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

static int code_of_errno(int sys)
{
	switch (sys) {
	case EACCES:
	case EPERM:
		return G_PERM;
	case ENOENT:
	case ENOTDIR:
		return G_NOCORE;
	case EMFILE:
	case ENFILE:
		return G_NOFD;
	default:
		return G_STRANGE;
	}
}

/* Is it an ELF core? Returns 0, or the G_ code of what it is instead. Class and machine are left to
 * the reader of cores. The byte order is checked here, because e_type cannot be read without it. */
static int sniff_core(int fd)
{
	unsigned char head[EI_NIDENT + 2];
	unsigned type;
	bool swapped;

	if (fileio_pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, ELFMAG, SELFMAG) != 0)
		return G_FORMAT;
	swapped = head[EI_DATA] == ELFDATA2MSB;
	type = swapped ? (unsigned)(head[EI_NIDENT] << 8 | head[EI_NIDENT + 1])
		       : (unsigned)(head[EI_NIDENT + 1] << 8 | head[EI_NIDENT]);
	if (type != ET_CORE)
		return G_FORMAT;
	return swapped ? G_ISAINVAL : 0;
}

/* Open the core at path. Returns a descriptor, or -1 with *code. */
static int core_open_named(const char *path, int *code)
{
	OWNED(fd_release) int fd = core_open_regular(path);

	if (fd < 0) {
		*code = errno == EINVAL || errno == ENOTSUP ? G_FORMAT : code_of_errno(errno);
		return -1;
	}
	*code = sniff_core(fd);
	return *code == 0 ? fd_keep(&fd) : -1;
}

/* Grab the process or else the core that the whole of arg names. *hit: arg names one, though the
 * grab may have failed. If not, *perr is the reason: G_NOCORE if nothing has that name. */
static struct ps_prochandle *grab_named(
    const char *arg, const char *path, int oflag, int gflag, int *perr, bool *hit)
{
	pid_t pid = (oflag & PR_ARG_PIDS) != 0 ? process_named(arg) : 0;
	int fd;

	*hit = true;
	if (pid != 0)
		return Pgrab(pid, gflag, perr);
	if ((oflag & PR_ARG_CORES) != 0) {
		fd = core_open_named(arg, perr);
		if (fd >= 0)
			return Pfgrab_core(fd, path, perr);
	} else
		*perr = G_NOCORE;
	*hit = false;
	return NULL;
}

/* The G_ code for "nothing has this name", depending on what was looked for. */
static int nothing_named(const char *arg, int oflag)
{
	if ((oflag & PR_ARG_CORES) == 0 || ((oflag & PR_ARG_PIDS) != 0 && pid_digits(arg) != NULL))
		return G_NOPROC;
	return (oflag & PR_ARG_PIDS) == 0 ? G_NOCORE : G_NOPROCORCORE;
}

struct ps_prochandle *proc_arg_xgrab(
    const char *arg, const char *path, int oflag, int gflag, int *perr, const char **lwps)
{
	OWNED(mem_release) char *head = NULL;
	const char *slash = lwps == NULL ? NULL : strrchr(arg, '/');
	struct ps_prochandle *P;
	int head_code = G_NOCORE;
	bool hit;

	if (lwps != NULL)
		*lwps = NULL;
	if (slash != NULL && slash != arg) {
		head = strndup(arg, (size_t)(slash - arg));
		if (head == NULL) {
			*perr = G_STRANGE;
			return NULL;
		}
		P = grab_named(head, path, oflag, gflag, &head_code, &hit);
		if (hit && proc_lwp_range_valid(slash + 1) != 0) {
			Prelease(P, 0);
			*perr = G_BADLWPS;
			return NULL;
		}
		if (hit) {
			*lwps = slash + 1;
			if (P == NULL)
				*perr = head_code;
			return P;
		}
		/* Its file system would not answer for a file below it either. */
		if (head_code == G_STRANGE && errno == ETIMEDOUT) {
			*perr = head_code;
			return NULL;
		}
	}
	P = grab_named(arg, path, oflag, gflag, perr, &hit);
	if (hit || *perr != G_NOCORE)
		return P;
	/* No file has this name. If the part before the slash is a file that is not a core, or a
	 * number that is not a process, report that. */
	if (head_code != G_NOCORE && errno == ENOTDIR)
		*perr = head_code;
	else
		*perr = nothing_named(head != NULL && pid_digits(arg) == NULL ? head : arg, oflag);
	return NULL;
}
