/* source.h on Linux. */
#include "os/source.h"

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
#include "os/process_stat.h"
#include "proc/live/live.h"

enum { PATH_BYTES = 32, VECTOR_MAX = 64 << 10, FORKS_MAX = 64 };

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

/* Does process pid run what was executed with this auxiliary vector? It has addresses that each
 * execve(2) chooses again, and that fork(2) keeps. */
static bool has_vector(pid_t pid, const char *vector, size_t n)
{
	OWNED(mem_release) char *its = NULL;
	char path[PATH_BYTES];
	size_t its_n;

	(void)snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	return fileio_slurp(AT_FDCWD, path, VECTOR_MAX, &its, &its_n) == 0 && its_n == n &&
	       memcmp(its, vector, n) == 0;
}

/* Modules may have been imported by the process that it was forked from, as with servers that fork
 * their workers: when that began, in ticks. */
static uint64_t first_began(const struct live *live, struct os_process_stat st)
{
	OWNED(mem_release) char *vector = NULL;
	uint64_t first = st.began;
	size_t n;

	if (fileio_slurp(live->mm_dir, "auxv", VECTOR_MAX, &vector, &n) != 0 || n == 0)
		return first;
	for (int i = 0; i < FORKS_MAX && st.parent > 0 && has_vector(st.parent, vector, n); i++) {
		char path[PATH_BYTES];

		(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)st.parent);
		if (!os_process_stat_read(AT_FDCWD, path, &st))
			break;
		first = st.began < first ? st.began : first;
	}
	return first;
}

static int64_t start_moment(const struct live *live)
{
	struct os_process_stat st;

	return os_process_stat_read(live->dir, "stat", &st) ? os_process_moment(first_began(live, st)) : 0;
}

static int64_t written_moment(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

int64_t os_source_moment(struct ps_prochandle *P, const char *core)
{
	const struct live *live = live_of(P);
	struct stat st;

	if (live != NULL)
		return start_moment(live);
	return core != NULL && stat(core, &st) == 0 && S_ISREG(st.st_mode) ? written_moment(&st) : 0;
}

/* A copy has no name. */
int64_t os_source_written(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) != 0 || st.st_nlink == 0 ? 0 : written_moment(&st);
}
