/* The second half of "cannot examine ARG": why, and what to do about it.
 *
 * The first half is Pgrab_error's phrase for the code. os_explain examines the operand again, after
 * the failure. If the state has changed since, it has nothing to say. */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libproc.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "elf/image.h"
#include "os/explain.h"
#include "proc/live/hold.h"
#include "proc/live/live.h"
#include "proc/reach.h"

/* The process that an operand names: "123" or "/proc/123", with or without "/lwps". 0: none. */
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

static enum res read_pid_status(pid_t pid, struct live_status *out)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return live_status_read(AT_FDCWD, path, out, NULL);
}

#define NO_ANSWER "its file system does not answer; try again when it does"

bool os_is_directory(const char *path, char *why, size_t n)
{
	struct reach here = reach_here;
	struct reach_file file;
	bool found = reach_look(&here, path, &file);

	if (!found)
		(void)snprintf(why, n, "%s", here.late ? NO_ANSWER : strerror(errno));
	else if (!S_ISDIR(file.mode))
		(void)snprintf(why, n, "not a directory");
	reach_clear(&here);
	return found && S_ISDIR(file.mode);
}

/* --- processes --- */

static void explain_access(pid_t pid, char *buf, size_t n)
{
	char why[256];
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

	if (read_pid_status(pid, &status) == RES_OK) {
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
		(void)snprintf(buf, n, "/proc belongs to another pid namespace; mount a matching one");
	else
		explain_access(pid, buf, n);
}

/* Of the programs that run on x86-64 only those of x32 are not supported. */
static void explain_machine(pid_t pid, char *buf, size_t n)
{
	struct reach here = reach_here;
	unsigned char head[20] = { 0 };
	const char *name;
	uint16_t machine;
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = reach_open_link(&here, AT_FDCWD, path, 0, NULL);
	reach_clear(&here);
	if (fd < 0)
		return;
	if (fileio_pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head)) {
		memcpy(&machine, head + 18, sizeof(machine));
		name = arch_machine_name(machine, head[EI_CLASS]);
		if (name != NULL && arch_of_elf(machine, head[EI_CLASS]) == NULL)
			(void)snprintf(
			    buf, n, "it is an %s program; only " ARCH_SUPPORTED " are supported", name);
	}
	(void)close(fd);
}

/* --- files --- */

/* Look for the operand's file: with or without "/lwps" at the end of the operand, which is cut off.
 * No device is opened, and no FIFO waited for. */
static bool look_for_operand(struct reach *here, char *path, struct reach_file *file)
{
	char *slash;

	if (reach_look(here, path, file))
		return true;
	slash = strrchr(path, '/');
	if (here->late || (errno != ENOENT && errno != ENOTDIR) || slash == NULL || slash == path)
		return false;
	*slash = '\0';
	return reach_look(here, path, file);
}

static void explain_head(struct reach *here, const char *path, char *buf, size_t n)
{
	OWNED(fd_release) int fd = reach_open_itself(here, path, NULL);
	unsigned char head[512];
	ssize_t got = fd < 0 ? -1 : fileio_pread(fd, head, sizeof(head), 0);
	int error = errno;
	struct stat st;

	if (got >= 0)
		explain_bytes(head, (size_t)got, buf, n);
	else if (error == EACCES && geteuid() == 0 && stat(path, &st) == 0)
		(void)snprintf(buf, n,
		    "the file belongs to user %u, and root has no CAP_DAC_READ_SEARCH here; run as that user",
		    st.st_uid);
	else if (error == EACCES && stat(path, &st) == 0)
		(void)snprintf(buf, n,
		    "the file belongs to user %u, this is user %u; run as that user or as root", st.st_uid,
		    geteuid());
	else
		(void)snprintf(buf, n, "it cannot be read: %s", here->late ? NO_ANSWER : strerror(error));
}

static void explain_file(const char *arg, char *buf, size_t n)
{
	struct reach here = reach_here;
	OWNED(mem_release) char *path = strdup(arg);
	struct reach_file file;

	if (path != NULL && look_for_operand(&here, path, &file)) {
		if (S_ISREG(file.mode))
			explain_head(&here, path, buf, n);
		else
			(void)snprintf(buf, n, "it is %s; " EXPLAIN_ONLY_THIS, explain_mode(file.mode));
	}
	reach_clear(&here);
}

/* Does a core lack its end? Then its notes may be in what it lacks. */
static void explain_cut(const char *arg, char *buf, size_t n)
{
	struct reach here = reach_here;
	OWNED(fd_release) int fd = reach_open_itself(&here, arg, NULL);
	struct elf_image *img = NULL;
	uint64_t expects = 0, size;

	reach_clear(&here);
	if (fd < 0 || elf_image_open(fd, &img, NULL) != RES_OK)
		return;
	size = elf_image_size(img);
	for (size_t i = 0; i < elf_image_phnum(img); i++) {
		const GElf_Phdr *ph = &elf_image_phdrs(img)[i];

		if (ph->p_offset <= INT64_MAX && ph->p_filesz <= INT64_MAX - ph->p_offset &&
		    ph->p_offset + ph->p_filesz > expects)
			expects = ph->p_offset + ph->p_filesz;
	}
	if (expects > size)
		(void)snprintf(buf, n,
		    "it is truncated, %" PRIu64 " of at least %" PRIu64
		    " bytes are missing; check free space, ulimit -c and the copy of the file",
		    expects - size, expects);
	elf_image_close(img);
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
		if (sys == ETIMEDOUT)
			(void)snprintf(buf, n, NO_ANSWER);
		else if (sys != 0 && sys != ESRCH && sys != EPERM && sys != EACCES)
			(void)snprintf(buf, n, "%s", strerror(sys));
		else if (pid != 0)
			explain_strange(pid, buf, n);
		break;
	case G_ZOMB:
		if (pid != 0)
			explain_zombie(pid, buf, n);
		break;
	case G_SYS:
		(void)snprintf(buf, n, "it is a kernel thread and has no stack in user space");
		break;
	case G_SELF:
		(void)snprintf(buf, n, "a process cannot stop itself");
		break;
	case G_ISAINVAL:
		if (pid != 0)
			explain_machine(pid, buf, n);
		else
			explain_file(arg, buf, n);
		break;
	case G_FORMAT:
		explain_file(arg, buf, n);
		break;
	case G_NOTE:
		explain_cut(arg, buf, n);
		break;
	case G_BADLWPS:
		(void)snprintf(
		    buf, n, "expected thread ids or ranges after the slash, e.g. 4711/4712,4715-4720,4800-");
		break;
	default:
		break;
	}
}
