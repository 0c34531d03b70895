/* The second half of "cannot examine ARG" on illumos. The first half is Pgrab_error's phrase. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "os/explain.h"

/* Read the psinfo of the process that an operand names. False: it names none. */
static bool psinfo_of(const char *arg, psinfo_t *out)
{
	OWNED(fd_release) int fd = -1;
	char path[64];
	char *end;
	long pid;

	if (strncmp(arg, "/proc/", 6) == 0)
		arg += 6;
	if (!isdigit((unsigned char)*arg))
		return false;
	errno = 0;
	pid = strtol(arg, &end, 10);
	if (errno != 0 || (*end != '\0' && *end != '/'))
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%ld/psinfo", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && fileio_pread(fd, out, sizeof(*out), 0) == (ssize_t)sizeof(*out);
}

/* False: the operand is not a process. */
static bool explain_access(const char *arg, char *buf, size_t n)
{
	psinfo_t info;

	if (!psinfo_of(arg, &info))
		return false;
	if (info.pr_euid != geteuid())
		(void)snprintf(buf, n,
		    "it belongs to user %u, this is user %u; run as that user, or with the privilege "
		    "proc_owner",
		    info.pr_euid, geteuid());
	else
		(void)snprintf(buf, n,
		    "it has privileges that this shell lacks, or its program may not be read; run with the "
		    "privilege proc_owner");
	return true;
}

bool os_is_directory(const char *path, char *why, size_t n)
{
	struct stat st;

	if (stat(path, &st) != 0)
		(void)snprintf(why, n, "%s", strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		(void)snprintf(why, n, "not a directory");
	else
		return true;
	return false;
}

static void explain_file(const char *arg, char *buf, size_t n)
{
	OWNED(fd_release) int fd = -1;
	unsigned char head[512];
	struct stat st;
	ssize_t got;

	if (stat(arg, &st) != 0)
		return;
	if (!S_ISREG(st.st_mode)) {
		(void)snprintf(buf, n, "it is %s; " EXPLAIN_ONLY_THIS, explain_mode(st.st_mode));
		return;
	}
	fd = open(arg, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	got = fd < 0 ? -1 : fileio_pread(fd, head, sizeof(head), 0);
	if (got >= 0)
		explain_bytes(head, (size_t)got, buf, n);
	else
		(void)snprintf(buf, n, "it cannot be read: %s", strerror(errno));
}

void os_explain(const char *arg, int code, char *buf, size_t n)
{
	int sys = errno;

	if (n == 0)
		return;
	buf[0] = '\0';
	switch (code) {
	case G_PERM:
		if (!explain_access(arg, buf, n))
			explain_file(arg, buf, n);
		break;
	case G_BUSY:
		(void)snprintf(buf, n,
		    "another program controls it, as a debugger and dtrace -p do; -F stops it anyway");
		break;
	case G_STRANGE:
		if (sys != 0)
			(void)snprintf(buf, n, "%s", strerror(sys));
		break;
	case G_SYS:
		(void)snprintf(buf, n, "it is a process of the kernel and has no stack in user space");
		break;
	case G_SELF:
		(void)snprintf(buf, n, "a process cannot stop itself");
		break;
	case G_FORMAT:
	case G_ISAINVAL:
	case G_NOPROCORCORE:
		explain_file(arg, buf, n);
		break;
	case G_BADLWPS:
		(void)snprintf(buf, n, "expected LWP ids or ranges after the slash, e.g. 4711/1,3-5,8-");
		break;
	default:
		break;
	}
}
