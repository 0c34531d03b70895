/* The files of a live process's mappings.
 *
 * They are opened inside the target's root, with openat2(2)'s RESOLVE_IN_ROOT, so that an absolute
 * symbolic link in a container leads to the container's file. The name is first resolved to an
 * O_PATH descriptor, which touches no device and waits for no FIFO. If that is a regular file, it
 * is opened for reading through /proc/self/fd, which leads to the same file. File systems that do
 * not answer are not waited for (reach.h).
 *
 * The file is found by these ways:
 *   1. kept at the grab through map_files or exe, because its name is gone       proven
 *   2. by name, with the device and inode in maps                                proven
 *   3. through map_files/LO-HI (needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE)
 *      or exe, while the process lives                                           proven
 *   4. by name, with another device or inode, as on overlayfs and btrfs          caller compares */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "base/refused.h"
#include "proc/live/live.h"
#include "proc/reach.h"

struct kept_file {
	uint64_t dev, inode;
	int fd;
};

struct live_files {
	int mm_dir; /* a copy of live.mm_dir */
	int root;   /* O_PATH */
	char prefix[PATH_MAX];
	struct reach reach;
	VEC(struct kept_file) kept;
};

enum { KEEP_MAX = 128 }; /* descriptors are scarce, and more deleted libraries are unusual */

/* Open through the mapping itself. map_files names a mapping by its range, so the link does not
 * exist if the mapping has been split or merged. */
static int open_map_link(struct live_files *files, const struct proc_map *m)
{
	char link[64];

	if (m->moved) {
		errno = ENOENT;
		return -1;
	}
	(void)snprintf(link, sizeof(link), "map_files/%lx-%lx", (unsigned long)m->pr.pr_vaddr,
	    (unsigned long)(m->pr.pr_vaddr + m->pr.pr_size));
	return reach_open_link(&files->reach, files->mm_dir, link, m->dev, NULL);
}

static int open_through_mapping(struct live_files *files, const struct proc_map *m)
{
	const struct reach_file want = { .dev = m->dev, .inode = m->inode };
	int fd = open_map_link(files, m);

	return fd >= 0 || files->reach.late
		   ? fd
		   : reach_open_link(&files->reach, files->mm_dir, "exe", m->dev, &want);
}

static const struct kept_file *find_kept(const struct live_files *files, const struct proc_map *m)
{
	for (size_t i = 0; i < files->kept.n; i++) {
		const struct kept_file *k = &files->kept.at[i];

		if (k->dev == m->dev && k->inode == m->inode)
			return k;
	}
	return NULL;
}

/* The caller's own descriptor of a file that was kept. */
static int open_kept(const struct kept_file *k, const struct proc_map *m, struct fault *f)
{
	int fd = fcntl(k->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0) {
		refused_file("open", k->fd, NULL);
		(void)fault_set(f, NOTICE_BY_ERROR, errno, m->pr.pr_vaddr, "%s", strerror(errno));
	}
	return fd;
}

static int open_mapping(void *data, const struct proc_map *m, bool *proven, struct fault *f)
{
	struct live_files *files = data;
	const struct kept_file *kept;
	OWNED(fd_release) int named = -1;
	struct reach_file file;
	int through, error = ENOENT;

	*proven = true;
	if (m->path == NULL || m->path[0] != '/') {
		(void)fault_set(f, NOTICE_BY_ERROR, ENOENT, m->pr.pr_vaddr, "no file is mapped there");
		return -1;
	}
	kept = find_kept(files, m);
	if (kept != NULL)
		return open_kept(kept, m, f);
	if (!m->deleted) {
		named = reach_open(&files->reach, m->path, &file);
		error = errno;
		if (named >= 0 && file.dev == m->dev && file.inode == m->inode)
			return fd_keep(&named);
	}
	through = named < 0 && files->reach.late ? -1 : open_through_mapping(files, m);
	if (through >= 0)
		return through;
	if (named < 0 && files->reach.late) {
		(void)fault_set(
		    f, PROC_FILE_LATE, ETIMEDOUT, m->pr.pr_vaddr, "its file system does not answer");
		return -1;
	}
	*proven = false;
	if (named < 0)
		(void)fault_set(f, m->deleted ? NOTICE_DELETED : NOTICE_BY_ERROR, error, m->pr.pr_vaddr, "%s",
		    fileio_open_error(error));
	return fd_keep(&named);
}

static int open_path(void *data, const char *path)
{
	struct live_files *files = data;

	return reach_open(&files->reach, path, NULL);
}

static bool find_unanswered(void *data, size_t i, struct notice *out)
{
	const struct live_files *files = data;

	return reach_unanswered(&files->reach, i, out);
}

int live_files_open_exe(struct live_files *files)
{
	return reach_open_link(&files->reach, files->mm_dir, "exe", 0, NULL);
}

bool live_files_waits(struct live_files *files, uint64_t dev)
{
	return reach_dev_waits(&files->reach, dev);
}

bool live_files_late(struct live_files *files, uint64_t dev)
{
	return reach_dev_silent(&files->reach, dev);
}

void live_files_set_late(struct live_files *files, uint64_t dev, uintptr_t va)
{
	reach_dev_fall_silent(&files->reach, dev, va);
}

int live_files_patience(const struct live_files *files)
{
	return files->reach.ms;
}

bool live_files_same(struct live_files *files, const char *path, uint64_t dev, uint64_t inode, bool any_dev)
{
	struct reach_file file;

	return reach_look(&files->reach, path, &file) && file.inode == inode && (any_dev || file.dev == dev);
}

const char *live_files_root(const struct live_files *files)
{
	return files->prefix;
}

struct aside_left *live_files_left(struct live_files *files)
{
	return &files->reach.left;
}

enum res live_files_create(int mm_dir, struct live_files *before, struct live_files **out, struct fault *f)
{
	struct live_files *files = calloc(1, sizeof(*files));
	ssize_t n;

	if (files == NULL)
		return fault_memory(f);
	files->mm_dir = fcntl(mm_dir, F_DUPFD_CLOEXEC, 0);
	files->root = openat(mm_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (files->mm_dir < 0 || files->root < 0) {
		enum res r = fault_set(f, errno == EMFILE || errno == ENFILE ? G_NOFD : G_PERM, errno, 0,
		    "its root directory cannot be opened: %s", strerror(errno));

		live_files_destroy(files);
		return r;
	}
	n = readlinkat(mm_dir, "root", files->prefix, sizeof(files->prefix) - 1);
	if (n <= 1 || (size_t)n >= sizeof(files->prefix) - 1)
		n = 0; /* "/": the same root, or another mount namespace */
	files->prefix[n] = '\0';
	files->reach =
	    (struct reach){ .proc = files->mm_dir, .root = files->root, .prefix = "", .ms = REACH_MS };
	if (before != NULL)
		reach_inherit(&files->reach, &before->reach);
	*out = files;
	return RES_OK;
}

void live_files_destroy(void *data)
{
	struct live_files *files = data;

	if (files == NULL)
		return;
	for (size_t i = 0; i < files->kept.n; i++)
		(void)close(files->kept.at[i].fd);
	vec_free(&files->kept);
	reach_clear(&files->reach);
	fd_release(&files->mm_dir);
	fd_release(&files->root);
	free(files);
}

void live_files_keep(struct live_files *files, const struct proc_maps *maps)
{
	for (size_t i = 0; i < maps->n && files->kept.n < KEEP_MAX; i++) {
		const struct proc_map *m = &maps->at[i];
		int fd;

		if (!m->deleted || m->inode == 0 || (m->pr.pr_mflags & MA_EXEC) == 0)
			continue;
		if (find_kept(files, m) != NULL)
			continue;
		fd = open_through_mapping(files, m);
		if (fd < 0)
			continue;
		if (!vec_push(&files->kept, ((struct kept_file){ m->dev, m->inode, fd }))) {
			(void)close(fd);
			return;
		}
	}
}

struct proc_files live_files_interface(struct live_files *files)
{
	return (struct proc_files){
		.open_mapping = open_mapping,
		.open_path = open_path,
		.unanswered = find_unanswered,
		.destroy = live_files_destroy,
		.data = files,
	};
}
