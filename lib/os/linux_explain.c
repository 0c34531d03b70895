/* The second half of "cannot examine ARG": why, and what to do about it.
 *
 * The first half is Pgrab_error's phrase for the code; this looks again at what the operand names. It is
 * asked after the failure, so that things may have changed: then it has nothing to say. */
#include "os/target_os.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "proc/hold.h"
#include "proc/live.h"

static const char only_this[] = "give a process id or an ELF core";

/* The process an operand names: "123", "/proc/123", each with "/lwps". 0: none. */
static pid_t operand_pid(const char *arg)
{
	char *end;
	long pid;

	if (strncmp(arg, "/proc/", 6) == 0)
		arg += 6;
	if (!isdigit((unsigned char)*arg))
		return 0;
	errno = 0;
	pid = strtol(arg, &end, 10);
	if (errno != 0 || pid <= 0 || pid > INT_MAX || (*end != '\0' && *end != '/'))
		return 0;
	return (pid_t)pid;
}

static enum res status_of(pid_t pid, struct live_status *out)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return live_status_read(AT_FDCWD, path, out, NULL);
}

/* --- processes --- */

static void explain_access(pid_t pid, char *buf, size_t n)
{
	char why[160];
	int code = hold_why_refused(pid, pid, why, sizeof(why));

	if (code == G_BUSY)
		(void)snprintf(buf, n, "%s; detach it or end it first", why);
	else if (code == G_PERM)
		(void)snprintf(buf, n, "%s", why);
}

static void explain_zombie(pid_t pid, char *buf, size_t n)
{
	char path[32], name[64];
	struct live_stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (live_stat_read(AT_FDCWD, path, &st, NULL) != RES_OK || st.state != 'Z')
		return;
	hold_process_name(st.ppid, name, sizeof(name));
	(void)snprintf(
	    buf, n, "it has ended, and its parent %s (pid %d) has not waited for it", name, st.ppid);
}

static void explain_absent(pid_t pid, char *buf, size_t n)
{
	struct live_status status;
	struct stat st;

	if (status_of(pid, &status) == RES_OK) {
		if (status.tgid != pid)
			(void)snprintf(
			    buf, n, "it is a thread of process %d; use %d/%d", status.tgid, status.tgid, pid);
	} else if (stat("/proc/self/stat", &st) != 0) {
		(void)snprintf(buf, n, "/proc is not mounted here");
	}
}

static void explain_strange(pid_t pid, char *buf, size_t n)
{
	char self[16] = "";

	if (readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) != getpid())
		(void)snprintf(buf, n, "/proc here is that of another pid namespace; mount one's own");
	else
		explain_access(pid, buf, n);
}

/* --- files --- */

static const char *kind_of_mode(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "no regular file";
	}
}

static const char *kind_of_compression(const unsigned char *at, size_t n)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *what;
	} rows[] = {
		{ "\x1f\x8b", 2, "compressed (gzip); uncompress it first" },
		{ "\xfd"
		  "7zXZ",
		    5, "compressed (xz); uncompress it first" },
		{ "\x28\xb5\x2f\xfd", 4, "compressed (zstd); uncompress it first" },
		{ "\x04\x22\x4d\x18", 4, "compressed (lz4); uncompress it first" },
		{ "BZh", 3, "compressed (bzip2); uncompress it first" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (n >= rows[i].n && memcmp(at, rows[i].magic, rows[i].n) == 0)
			return rows[i].what;
	return NULL;
}

static bool is_text(const unsigned char *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] < 0x20 && strchr("\t\n\r\f\b\033", at[i]) == NULL)
			return false;
	return n > 0;
}

static void explain_elf(const unsigned char *at, size_t n, char *buf, size_t size)
{
	uint16_t type = 0, machine = 0;
	bool wide;

	if (n < 20) {
		(void)snprintf(buf, size, "it is an ELF file cut short; %s", only_this);
		return;
	}
	wide = at[EI_CLASS] == ELFCLASS64;
	memcpy(&type, at + 16, sizeof(type));
	memcpy(&machine, at + 18, sizeof(machine));
	if (at[EI_DATA] != ELFDATA2LSB || machine != EM_X86_64 || !wide)
		(void)snprintf(buf, size, "it is %s ELF file of %s%s; this pystack reads 64-bit x86-64 only",
		    wide ? "a 64-bit" : "a 32-bit",
		    at[EI_DATA] != ELFDATA2LSB ? "a big-endian machine"
		    : machine == EM_386        ? "i386"
		    : machine == EM_X86_64     ? "x32"
		    : machine == EM_AARCH64    ? "aarch64"
		    : machine == EM_ARM        ? "arm"
					       : "another machine",
		    type == ET_CORE ? " (a core)" : "");
	else if (type == ET_EXEC || type == ET_DYN)
		(void)snprintf(buf, size, "it is an ELF executable or library, not a core; %s", only_this);
	else if (type != ET_CORE)
		(void)snprintf(buf, size, "it is an ELF file, but not a core; %s", only_this);
}

static void explain_bytes(const unsigned char *at, size_t n, char *buf, size_t size)
{
	const char *packed = kind_of_compression(at, n);

	if (packed != NULL)
		(void)snprintf(buf, size, "it is %s", packed);
	else if (n == 0)
		(void)snprintf(buf, size, "it is empty; %s", only_this);
	else if (n >= 4 && memcmp(at, ELFMAG, SELFMAG) == 0)
		explain_elf(at, n, buf, size);
	else if (n >= 2 && memcmp(at, "#!", 2) == 0)
		(void)snprintf(buf, size, "it is a script; %s", only_this);
	else if (is_text(at, n))
		(void)snprintf(buf, size, "it is text; %s", only_this);
	else
		(void)snprintf(buf, size, "it is not ELF; %s", only_this);
}

/* The operand's file, with or without "/lwps" at its end: an O_PATH descriptor, which opens no device and
 * waits for no FIFO. */
static int resolve_operand(const char *arg)
{
	char path[PATH_MAX];
	int fd = open(arg, O_PATH | O_CLOEXEC);
	char *slash;

	if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR))
		return fd;
	if (strlen(arg) >= sizeof(path))
		return -1;
	(void)snprintf(path, sizeof(path), "%s", arg);
	slash = strrchr(path, '/');
	if (slash == NULL || slash == path)
		return -1;
	*slash = '\0';
	return open(path, O_PATH | O_CLOEXEC);
}

static void explain_file(const char *arg, char *buf, size_t n)
{
	OWNED(fd_release) int path_fd = resolve_operand(arg);
	OWNED(fd_release) int fd = -1;
	unsigned char head[512];
	char self[32];
	struct stat st;
	ssize_t got;

	if (path_fd < 0 || fstat(path_fd, &st) != 0)
		return;
	if (!S_ISREG(st.st_mode)) {
		(void)snprintf(buf, n, "it is %s; %s", kind_of_mode(st.st_mode), only_this);
		return;
	}
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	got = fd < 0 ? -1 : fileio_pread(fd, head, sizeof(head), 0);
	if (got >= 0)
		explain_bytes(head, (size_t)got, buf, n);
	else if (errno == EACCES)
		(void)snprintf(buf, n,
		    "the file belongs to user %u, this is user %u; run as that user or as root", st.st_uid,
		    geteuid());
	else
		(void)snprintf(buf, n, "it cannot be read: %s", strerror(errno));
}

void os_explain(const char *arg, int code, char *buf, size_t n)
{
	int sys = errno;
	pid_t pid = operand_pid(arg);

	if (n == 0)
		return;
	buf[0] = '\0';
	switch (code) {
	case G_NOPROC:
		if (pid != 0)
			explain_absent(pid, buf, n);
		break;
	case G_PERM:
	case G_BUSY:
		if (pid != 0)
			explain_access(pid, buf, n);
		else
			explain_file(arg, buf, n);
		break;
	case G_STRANGE:
		if (sys != 0 && sys != ESRCH && sys != EPERM && sys != EACCES)
			(void)snprintf(buf, n, "%s", strerror(sys));
		else if (pid != 0)
			explain_strange(pid, buf, n);
		break;
	case G_ZOMB:
		if (pid != 0)
			explain_zombie(pid, buf, n);
		break;
	case G_SYS:
		(void)snprintf(buf, n, "it is a thread of the kernel and has no stack in user space");
		break;
	case G_SELF:
		(void)snprintf(buf, n, "a process cannot stop itself");
		break;
	case G_ISAINVAL:
		if (pid != 0)
			(void)snprintf(
			    buf, n, "it is a 32-bit program; this pystack reads 64-bit x86-64 only");
		else
			explain_file(arg, buf, n);
		break;
	case G_FORMAT:
		explain_file(arg, buf, n);
		break;
	case G_BADLWPS:
		(void)snprintf(buf, n,
		    "after the slash come thread ids and ranges of them, as in 4711/4712,4715-4720,4800-");
		break;
	default:
		break;
	}
}
