/* source.h on Linux. */
#include "os/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fileio.h"
#include "proc/live/live.h"

enum { STAT_BYTES = 4096, FIELDS_BEFORE_START = 20 };

static const int64_t second = 1000000000;

int os_open_source(struct ps_prochandle *P, const char *path)
{
	struct proc_objects *o = handle_objects(P);
	int fd, error;

	if (o == NULL || o->files.open_path == NULL) {
		errno = ENOENT;
		return -1;
	}
	fd = o->files.open_path(o->files.data, path);
	if (fd >= 0 || o->search == NULL)
		return fd;
	error = errno;
	fd = search_open_debug(o->search, path);
	errno = error;
	return fd;
}

/* The link has the path in the mounts, in which the target's root may be a directory. */
bool os_working_directory(struct ps_prochandle *P, char *buf, size_t size)
{
	const struct live *live = live_of(P);
	char root[PATH_MAX];
	ssize_t n, root_n;

	if (live == NULL || size < 2)
		return false;
	n = readlinkat(live->mm_dir, "cwd", buf, size - 1);
	root_n = readlinkat(live->mm_dir, "root", root, sizeof(root) - 1);
	if (n <= 0 || (size_t)n >= size - 1 || buf[0] != '/' || root_n <= 0 || root[0] != '/')
		return false;
	buf[n] = '\0';
	root[root_n] = '\0';
	root_n -= root[root_n - 1] == '/';
	if (strncmp(buf, root, (size_t)root_n) != 0 || (buf[root_n] != '/' && buf[root_n] != '\0'))
		return false;
	memmove(buf, buf + root_n, (size_t)(n - root_n) + 1);
	return true;
}

/* proc(5): field 22 of stat, in ticks since the machine was booted, is the 20th after the name. */
static int64_t started(const struct live *live)
{
	char text[STAT_BYTES];
	struct timespec since_boot, now;
	unsigned long long ticks;
	const char *at;

	if (fileio_head(live->dir, "stat", text, sizeof(text)) <= 0 || (at = strrchr(text, ')')) == NULL)
		return 0;
	for (int i = 0; i < FIELDS_BEFORE_START && at != NULL; i++)
		at = strchr(at + 1, ' ');
	if (at == NULL || clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0 ||
	    clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 0;
	ticks = strtoull(at, NULL, 10);
	return (now.tv_sec - since_boot.tv_sec) * second + (now.tv_nsec - since_boot.tv_nsec) +
	       (int64_t)ticks * (second / sysconf(_SC_CLK_TCK));
}

static int64_t written(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * second + st->st_mtim.tv_nsec;
}

int64_t os_source_moment(struct ps_prochandle *P, const char *core)
{
	const struct live *live = live_of(P);
	struct stat st;

	if (live != NULL)
		return started(live);
	return core != NULL && stat(core, &st) == 0 && S_ISREG(st.st_mode) ? written(&st) : 0;
}

/* A copy has no name. */
int64_t os_source_written(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) != 0 || st.st_nlink == 0 ? 0 : written(&st);
}
