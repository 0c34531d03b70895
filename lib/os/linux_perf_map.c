/* perf_map.h on Linux. */
#include "os/perf_map.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "base/path.h"
#include "os/images.h"
#include "os/linux_perf_map.h"
#include "os/process_stat.h"
#include "proc/handle.h"
#include "proc/objects.h"
#include "proc/reach.h"

enum {
	STATUS_BYTES = 4096,
	DESCRIPTORS_MAX = 1 << 16,
	CLOCK_SLACK = 2 /* seconds: two clocks are rounded */
};

pid_t linux_inner_pid(pid_t pid)
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

enum res linux_perf_file_check(int fd, pid_t pid, const char *name, struct fault *f)
{
	struct stat file, process;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (fstat(fd, &file) != 0)
		return fault_set(f, 0, errno, 0, "%s cannot be read: %s", name, strerror(errno));
	if (!S_ISREG(file.st_mode))
		return fault_set(f, 0, 0, 0, "%s is not a regular file", name);
	/* Its owner is not known, as a file that may have to be waited for is copied. */
	if (file.st_nlink == 0)
		return fault_set(f, 0, 0, 0, "%s is deleted, or on a file system of another machine", name);
	if (is_stale(&file, pid))
		return fault_set(f, 0, 0, 0,
		    "%s is older than the process, so that an earlier one has written it; remove it", name);
	if (file.st_uid != 0 && (stat(path, &process) != 0 || file.st_uid != process.st_uid))
		return fault_set(f, 0, 0, 0,
		    "%s belongs neither to the process's user nor to root (but to uid %u)", name,
		    (unsigned)file.st_uid);
	return RES_OK;
}

/* Has the file that a link in the descriptors' directory leads to the last name of that path? No
 * file system is asked for it. */
static bool leads_to_name(int dir, const char *link, const char *path)
{
	char to[4096];
	ssize_t n = readlinkat(dir, link, to, sizeof(to) - 1);

	if (n <= 0)
		return false;
	to[n] = '\0';
	return strcmp(path_base(to), path_base(path)) == 0;
}

/* Will an execve(2) close that descriptor? Then none has been since the program opened it. */
static bool closes_on_exec(pid_t pid, const char *descriptor)
{
	static const char key[] = "\nflags:";
	char path[64], text[512];
	const char *flags;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", (int)pid, descriptor);
	flags = fileio_head(AT_FDCWD, path, text, sizeof(text)) <= 0 ? NULL : strstr(text, key);
	return flags != NULL && (strtoul(flags + sizeof(key) - 1, NULL, 8) & O_CLOEXEC) != 0;
}

/* Has the program that runs in the process now that file open? One that writes such a file keeps it
 * open as long as it runs (CPython, V8); beyond an execve(2) it must not be (CPython). */
static bool has_open(pid_t pid, int fd, const char *path)
{
	char name[32];
	struct stat file, its;
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	(void)snprintf(name, sizeof(name), "/proc/%d/fd", (int)pid);
	dir = fstat(fd, &file) == 0 ? opendir(name) : NULL;
	for (int i = 0; dir != NULL && !found && i < DESCRIPTORS_MAX && (entry = readdir(dir)) != NULL; i++)
		found = leads_to_name(dirfd(dir), entry->d_name, path) &&
			fstatat(dirfd(dir), entry->d_name, &its, 0) == 0 && its.st_dev == file.st_dev &&
			its.st_ino == file.st_ino && closes_on_exec(pid, entry->d_name);
	if (dir != NULL)
		(void)closedir(dir);
	return found;
}

/* RES_FAIL: the path is not the file's own name below the root of the process. Anybody may put a
 * link there that leads to somebody's file. */
static enum res check_own_name(pid_t pid, int fd, const char *path, struct fault *f)
{
	struct reach below = reach_here;
	OWNED(fd_release) int root = -1;
	struct reach_file there;
	struct stat file;
	char name[32];

	(void)snprintf(name, sizeof(name), "/proc/%d/root", (int)pid);
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	below.root = root;
	if (root < 0 || fstat(fd, &file) != 0 || !reach_look_itself(&below, path, &there))
		return fault_set(f, 0, errno, 0, "%s cannot be read: %s", path, strerror(errno));
	if (there.dev != file.st_dev || there.inode != file.st_ino)
		return fault_set(f, 0, 0, 0, "%s is a symbolic link", path);
	return RES_OK;
}

enum res os_open_perf_map(struct ps_prochandle *P, int *out, bool *certain, struct fault *f)
{
	struct proc_objects *o = handle_objects(P);
	OWNED(fd_release) int fd = -1;
	pid_t pid = Pstatus(P)->pr_pid;
	char path[48];

	if (o == NULL || o->files.open_path == NULL || os_is_core(P))
		return RES_NONE;
	(void)snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)linux_inner_pid(pid));
	fd = o->files.open_path(o->files.data, path);
	if (fd < 0 && errno == ENOENT)
		return RES_NONE;
	if (fd < 0)
		return fault_set(f, 0, errno, 0, "%s cannot be opened: %s", path, fileio_open_error(errno));
	if (linux_perf_file_check(fd, pid, path, f) != RES_OK)
		return RES_FAIL;
	if (check_own_name(pid, fd, path, f) != RES_OK)
		return RES_FAIL;
	*certain = has_open(pid, fd, path);
	*out = fd_keep(&fd);
	return RES_OK;
}
