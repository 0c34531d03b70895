/* Opening the files that a core's process had mapped, on this machine.
 *
 * They are looked up by their paths in the core. A core from a container has the container's paths:
 * if the path of the executable given for it ends in the path in the core, the rest is taken for
 * the container's root, in which files are looked up first:
 *
 *   -e /srv/root/usr/bin/python3, core: /usr/bin/python3   =>   root /srv/root
 *
 * If a root is given instead, nothing outside it is opened.
 *
 * Nothing proves here that a file is the one that was mapped: none is `proven`, and the caller
 * compares build-ids. Paths in a core may be anything, so only regular files are opened, and none
 * that the kernel generates; those that the core's owner may not read, or that are outside the
 * container's root, are suspect: they are used if a build-id proves them. */
#include "proc/core/core.h"

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
#include "base/refused.h"
#include "proc/core/core_owner.h"
#include "proc/reach.h"
#include "proc/stored.h"

struct core_files {
	char *exe;    /* path of the executable in the core, or NULL */
	char *aout;   /* path of the executable given instead, or NULL */
	int root;     /* O_PATH descriptor to which paths of the core are relative; -1: this machine's root */
	bool only;    /* no files outside root */
	bool unable;  /* to take the rights of the core's owner */
	bool suspect; /* the last file opened must match by its build-id */
	struct core_owner owner;
	struct reach here, below; /* this machine's files, and those below root */
	char prefix[PATH_MAX];    /* path of root */
};

int core_open_regular(const char *path)
{
	struct reach here = reach_here;
	int fd = reach_open_itself(&here, path, NULL), error = errno;

	reach_clear(&here);
	errno = error;
	return fd;
}

/* Open a file by its path in the core. *late: its file system did not answer. */
static int open_by_path(struct core_files *files, const char *path, bool *late)
{
	int fd = files->root < 0 ? -1 : reach_open(&files->below, path, NULL);

	files->suspect = false;
	*late = fd < 0 && files->below.late;
	if (fd >= 0 || files->only)
		return fd;
	fd = reach_open(&files->here, path, NULL);
	files->suspect = files->root >= 0;
	*late = fd < 0 && (*late || files->here.late);
	return fd;
}

/* The same with the rights of the core's owner. -1 with EACCES: the owner may not read it, or it is
 * not known. */
static int open_as_owner(struct core_files *files, const char *path, bool *late)
{
	struct core_self self;
	int fd = -1, error = EACCES;

	*late = false;
	if (!files->owner.other)
		return open_by_path(files, path, late);
	if (core_owner_enter(&files->owner, &self)) {
		fd = open_by_path(files, path, late);
		error = errno;
	} else {
		files->unable = true;
	}
	core_owner_leave(&self);
	errno = error;
	return fd;
}

/* A file that only this user may read can still be the one that was mapped, if a build-id says
 * so. */
static int open_recorded(struct core_files *files, const char *path, bool *late)
{
	int fd = open_as_owner(files, path, late);

	if (fd >= 0 || errno != EACCES || !files->owner.other)
		return fd;
	fd = open_by_path(files, path, late);
	files->suspect = true;
	return fd;
}

static int open_mapping(void *data, const struct proc_map *m, bool *proven, struct fault *f)
{
	struct core_files *files = data;
	bool is_exe = m->path != NULL && files->exe != NULL && strcmp(m->path, files->exe) == 0;
	const char *path = is_exe && files->aout != NULL ? files->aout : m->path;
	enum notice_failure failure = path != m->path ? NOTICE_GIVEN_EXEC : NOTICE_BY_ERROR;
	bool late = false;
	int fd;

	if (path == NULL || path[0] == '\0' || (path == m->path && path[0] != '/')) {
		(void)fault_set(f, NOTICE_BY_ERROR, ENOENT, m->pr.pr_vaddr, "no file is mapped there");
		return -1;
	}
	files->suspect = false;
	fd = path == m->path ? open_recorded(files, path, &late) : reach_open(&files->here, path, NULL);
	if (path != m->path)
		late = files->here.late;
	if (fd >= 0) {
		*proven = false;
		return fd;
	}
	if (late) {
		(void)fault_set(
		    f, PROC_FILE_LATE, ETIMEDOUT, m->pr.pr_vaddr, "its file system does not answer");
		return -1;
	}
	if ((errno == ENOENT || errno == ENOTDIR) && path == m->path)
		failure = files->only ? NOTICE_NOT_IN_ROOT : is_exe ? NOTICE_EXEC_ABSENT : NOTICE_ABSENT;
	(void)fault_set(f, (int)failure, errno, m->pr.pr_vaddr, "%s", fileio_open_error(errno));
	return -1;
}

static int open_path(void *data, const char *path)
{
	struct core_files *files = data;
	int fd, other;
	bool late;

	if (path[0] != '/')
		return -1;
	fd = open_as_owner(files, path, &late);
	if (fd >= 0 || !files->unable)
		return fd;
	/* Whether the owner may read it is not known. That it is left out is told. */
	other = open_by_path(files, path, &late);
	if (other >= 0) {
		(void)close(other);
		errno = EPERM;
		refused_file(
		    "take the rights of the core's owner (CAP_SETUID, CAP_SETGID) to open", -1, path);
	}
	return -1;
}

static bool is_suspect(void *data)
{
	const struct core_files *files = data;

	return files->suspect;
}

static bool find_unanswered(void *data, size_t i, struct notice *out)
{
	const struct core_files *files = data;

	for (size_t k = 0; reach_unanswered(&files->below, k, out); k++) {
		if (i-- == 0)
			return true;
	}
	return reach_unanswered(&files->here, i, out);
}

static void files_destroy(void *data)
{
	struct core_files *files = data;

	if (files == NULL)
		return;
	fd_release(&files->root);
	reach_clear(&files->here);
	reach_clear(&files->below);
	free(files->exe);
	free(files->aout);
	free(files);
}

static enum res no_answer(const char *path, struct fault *f)
{
	return fault_set(f, G_NOEXEC, ETIMEDOUT, 0, "%s: its file system does not answer", path);
}

/* RES_OK: the file at path is an ELF file. */
static enum res check_aout(struct reach *here, const char *path, struct fault *f)
{
	OWNED(fd_release) int fd = reach_open(here, path, NULL);
	char magic[SELFMAG];

	if (fd < 0 && here->late)
		return no_answer(path, f);
	if (fd < 0)
		return fault_set(f, G_NOEXEC, errno, 0, "%s: %s", path, fileio_open_error(errno));
	if (fileio_pread(fd, magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) ||
	    memcmp(magic, ELFMAG, SELFMAG) != 0)
		return fault_set(f, G_NOEXEC, ENOEXEC, 0, "%s: not an ELF file", path);
	return RES_OK;
}

/* Open the directory that precedes `exe` in `aout`. -1: aout does not end in exe, or equals it. */
static int root_of(const char *aout, const char *exe)
{
	OWNED(mem_release) char *real = realpath(aout, NULL);
	size_t n = real == NULL ? 0 : strlen(real), exe_n = strlen(exe);

	if (exe[0] != '/' || n <= exe_n || strcmp(real + n - exe_n, exe) != 0)
		return -1;
	real[n - exe_n] = '\0';
	return open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Set the directory to which paths are relative; -1: the machine's root. */
static void set_root(struct core_files *files, int root)
{
	char self[32];
	ssize_t n;

	files->root = root;
	if (root < 0)
		return;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", root);
	n = readlink(self, files->prefix, sizeof(files->prefix) - 1);
	files->prefix[n > 1 ? n : 0] = '\0';
	files->below.root = root;
	files->below.prefix = files->prefix;
}

/* Use the directory or file `aout`, if its file system answers. */
static enum res set_aout(struct core_files *files, const char *aout, struct fault *f)
{
	struct reach_file any;
	enum res res;
	int root;

	(void)reach_look(&files->here, aout, &any);
	if (files->here.late)
		return no_answer(aout, f);
	root = open(aout, O_PATH | O_DIRECTORY | O_CLOEXEC);
	set_root(files, root);
	files->only = root >= 0;
	if (files->only)
		return RES_OK;
	res = check_aout(&files->here, aout, f);
	if (res != RES_OK)
		return res;
	files->aout = strdup(aout);
	if (files->aout == NULL)
		return fault_memory(f);
	if (files->exe != NULL)
		set_root(files, root_of(files->aout, files->exe));
	return RES_OK;
}

enum res core_files_create(struct core *core, const char *aout, struct proc_files *out, struct fault *f)
{
	struct core_files *files = calloc(1, sizeof(*files));

	if (files == NULL)
		return fault_memory(f);
	files->here = files->below = reach_here;
	files->root = -1;
	files->exe = core_exe_path(core);
	files->owner = core_owner_of(core);
	if (aout != NULL && set_aout(files, aout, f) != RES_OK) {
		files_destroy(files);
		return RES_FAIL;
	}
	*out = (struct proc_files){
		.open_mapping = open_mapping,
		.suspect = is_suspect,
		.open_path = open_path,
		.unanswered = find_unanswered,
		.destroy = files_destroy,
		.data = files,
	};
	return RES_OK;
}
