/* Mappings and files of a backend without read_maps. Names of prmap_t are absolute paths on this
 * machine. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "proc/ops.h"

enum { MAPS_LIMIT = 1 << 22 }; /* far above the kernel's max_map_count */

/* Open a regular file of this machine without waiting, and without opening a device. */
static int open_regular(const char *path, struct stat *st)
{
	OWNED(fd_release) int fd = -1;

	if (path[0] != '/') {
		errno = ENOENT;
		return -1;
	}
	if (stat(path, st) != 0)
		return -1;
	if (S_ISREG(st->st_mode))
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	else
		errno = EINVAL;
	if (fd < 0 || fstat(fd, st) != 0)
		return -1;
	if (!S_ISREG(st->st_mode)) {
		errno = EINVAL;
		return -1;
	}
	return fd_keep(&fd);
}

static int ops_open_mapping(void *data, const struct proc_map *m, bool *proven, struct fault *f)
{
	struct stat st;
	int fd = open_regular(m->path, &st);

	(void)data;
	if (fd < 0) {
		(void)fault_set(f, NOTICE_BY_ERROR, errno, m->pr.pr_vaddr, "%s", fileio_open_error(errno));
		return -1;
	}
	*proven = m->inode != 0 && m->inode == st.st_ino && m->dev == st.st_dev;
	return fd;
}

static int ops_open_path(void *data, const char *path)
{
	struct stat st;

	(void)data;
	return open_regular(path, &st);
}

const struct proc_files ops_files = { .open_mapping = ops_open_mapping, .open_path = ops_open_path };

static int by_address(const void *a, const void *b)
{
	const struct proc_map *x = a, *y = b;

	return (x->pr.pr_vaddr > y->pr.pr_vaddr) - (x->pr.pr_vaddr < y->pr.pr_vaddr);
}

enum res ops_read_maps(struct ps_prochandle *P, struct proc_maps *maps)
{
	OWNED(mem_release) prmap_t *raw = NULL;
	ssize_t n = 0;

	if (P->backend.ops.pop_read_maps == NULL || P->backend.ops.pop_read_maps(P, &raw, &n, P->data) != 0)
		return RES_NONE;
	if (n < 0 || n > MAPS_LIMIT || (n > 0 && raw == NULL) || !vec_reserve(maps, (size_t)n + 1))
		return RES_FAIL;
	for (ssize_t i = 0; i < n; i++) {
		struct proc_map *m = &maps->at[maps->n];

		*m = (struct proc_map){ .pr = raw[i], .object = -1 };
		m->pr.pr_mapname[PRMAPSZ - 1] = '\0';
		if (m->pr.pr_mapname[0] != '\0') {
			m->path = strdup(m->pr.pr_mapname);
			if (m->path == NULL)
				return RES_FAIL;
		}
		maps->n++;
	}
	qsort(maps->at, maps->n, sizeof(maps->at[0]), by_address);
	return RES_OK;
}
