/* perf_map.h on Linux. */
#include "os/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "os/images.h"
#include "os/process_stat.h"
#include "proc/handle.h"
#include "proc/objects.h"

enum {
	STATUS_BYTES = 4096,
	CLOCK_SLACK = 2 /* seconds: two clocks are rounded */
};

/* The pid in the innermost pid namespace: the last number of the line NSpid. */
static pid_t inner_pid(pid_t pid)
{
	static const char key[] = "\nNSpid:";
	char path[32], text[STATUS_BYTES];
	const char *line, *last;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (fileio_head(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return pid;
	line = strstr(text, key);
	if (line == NULL)
		return pid;
	line += sizeof(key) - 1;
	last = line + strcspn(line, "\n");
	while (last > line && last[-1] >= '0' && last[-1] <= '9')
		last--;
	return atoi(last) > 0 ? atoi(last) : pid;
}

/* Was the file written by an earlier process with this pid? */
static bool is_stale(const struct stat *file, pid_t pid)
{
	struct os_process_stat st;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return os_process_stat_read(AT_FDCWD, path, &st) &&
	       file->st_mtime + CLOCK_SLACK < os_process_moment(st.began) / 1000000000;
}

/* RES_FAIL: the file is not this process's, or may be anybody's. */
static enum res check_owner(int fd, pid_t pid, const char *name, struct fault *f)
{
	struct stat file, process;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (fstat(fd, &file) != 0)
		return fault_set(f, 0, errno, 0, "%s cannot be read: %s", name, strerror(errno));
	if (!S_ISREG(file.st_mode))
		return fault_set(f, 0, 0, 0, "%s is not a regular file", name);
	if (is_stale(&file, pid))
		return fault_set(f, 0, 0, 0,
		    "%s is older than the process, so that an earlier one has written it; remove it", name);
	if (file.st_uid != 0 && (stat(path, &process) != 0 || file.st_uid != process.st_uid))
		return fault_set(f, 0, 0, 0,
		    "%s belongs neither to the process's user nor to root (but to uid %u)", name,
		    (unsigned)file.st_uid);
	return RES_OK;
}

enum res os_open_perf_map(struct ps_prochandle *P, int *out, struct fault *f)
{
	struct proc_objects *o = handle_objects(P);
	OWNED(fd_release) int fd = -1;
	pid_t pid = Pstatus(P)->pr_pid;
	char path[48];

	if (o == NULL || o->files.open_path == NULL || os_is_core(P))
		return RES_NONE;
	(void)snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)inner_pid(pid));
	fd = o->files.open_path(o->files.data, path);
	if (fd < 0 && errno == ENOENT)
		return RES_NONE;
	if (fd < 0)
		return fault_set(f, 0, errno, 0, "%s cannot be opened: %s", path, fileio_open_error(errno));
	if (check_owner(fd, pid, path, f) != RES_OK)
		return RES_FAIL;
	*out = fd_keep(&fd);
	return RES_OK;
}
