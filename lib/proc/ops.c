/* Made-up processes: the backend whose every answer is a function of the caller. Also what such a
 * process, and any backend that brings no files of its own, uses as mappings and files: prmap_t names
 * that are absolute paths on this machine. */
#include "proc/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/owned.h"
#include "proc/handle.h"

enum { MAPS_LIMIT = 1 << 22 }; /* far above the kernel's max_map_count */

struct ps_prochandle *Pgrab_ops(pid_t pid, void *data, const ps_ops_t *ops, int flags)
{
	struct proc_backend backend = { .ops = *ops };
	struct ps_prochandle *P = handle_create(pid, flags, &backend, data);

	if (P != NULL)
		P->made_up = true;
	return P;
}

/* Open a path of this machine, never waiting and never waking a device up. */
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
		int sys = errno;

		(void)fault_set(
		    f, 0, sys, m->pr.pr_vaddr, "%s", sys == EINVAL ? "not a regular file" : strerror(sys));
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

/* Which executable memory is moved text, asked once. The files of an illumos core are the dynamic linker's list already. */
static void claim_moved(struct ps_prochandle *P)
{
	if (P->objects == NULL || P->objects->claimed || P->illumos)
		return;
	P->objects->claimed = true; /* a question about names may come back here */
	objects_claim_moved(P->objects, handle_name_moved, P);
}

struct proc_objects *handle_objects(struct ps_prochandle *P)
{
	struct proc_maps maps = VEC_EMPTY;
	enum res res;

	if (P->objects != NULL) {
		claim_moved(P);
		/* A live process may end before its files are looked at. */
		if (!P->made_up && P->state != PS_DEAD)
			objects_remember(P->objects);
		return P->objects;
	}
	if (P->backend.read_maps != NULL)
		res = P->backend.read_maps(P, &maps, NULL, P->data);
	else
		res = ops_read_maps(P, &maps);
	if (res != RES_OK) {
		proc_maps_clear(&maps);
		return NULL;
	}
	P->objects = objects_create(&maps, &ops_files, handle_read_raw, P);
	claim_moved(P);
	return P->objects;
}
