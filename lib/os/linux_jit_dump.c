/* The dump for perf(1): perf_map.h on Linux.
 *
 * A program maps its dump, executable, so that perf notes its name. This says that the dump is the
 * program's own, and not that of what ran in the process before it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "base/path.h"
#include "os/images.h"
#include "os/linux_perf_map.h"
#include "os/perf_map.h"
#include "proc/handle.h"

/* The mapping of the dump of the process with that pid. NULL: none. */
static const struct proc_map *find_dump(const struct proc_objects *o, pid_t pid)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "jit-%d.dump", (int)pid);
	for (size_t i = 0; i < o->maps.n; i++) {
		const struct proc_map *m = &o->maps.at[i];

		if (m->path != NULL && m->path[0] == '/' && (m->pr.pr_mflags & MA_EXEC) != 0 &&
		    strcmp(path_base(m->path), name) == 0)
			return m;
	}
	return NULL;
}

enum res os_open_jit_dump(struct ps_prochandle *P, int *out, pid_t *pid, struct fault *f)
{
	struct proc_objects *o = handle_objects(P);
	OWNED(fd_release) int fd = -1;
	const struct proc_map *m;
	struct fault why;
	bool proven = false;

	if (o == NULL || o->files.open_mapping == NULL || os_is_core(P))
		return RES_NONE;
	*pid = linux_inner_pid(Pstatus(P)->pr_pid);
	m = find_dump(o, *pid);
	if (m == NULL)
		return RES_NONE;
	fd = o->files.open_mapping(o->files.data, m, &proven, &why);
	if (fd < 0)
		return fault_set(f, 0, why.sys, 0, "%s cannot be opened: %s", m->path, why.text);
	if (!proven)
		return fault_set(f, 0, 0, 0, "%s is not the file that is mapped", m->path);
	if (linux_perf_file_check(fd, Pstatus(P)->pr_pid, m->path, f) != RES_OK)
		return RES_FAIL;
	*out = fd_keep(&fd);
	return RES_OK;
}
