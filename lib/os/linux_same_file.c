/* See same_file.h. */
#include "os/same_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/owned.h"
#include "proc/handle.h"
#include "proc/live/live.h"
#include "proc/objects.h"
#include "proc/reach.h"

bool os_file_of_link(const char *link, struct os_file_id *out)
{
	OWNED(fd_release) int fd = open(link, O_PATH | O_CLOEXEC);
	struct statx st;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) != 0)
		return false;
	*out = (struct os_file_id){ makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino };
	return true;
}

bool os_file_at(const char *path, struct os_file_id *out)
{
	struct reach here = reach_here;
	struct reach_file file;
	bool found = reach_look(&here, path, &file);

	reach_clear(&here);
	if (found)
		*out = (struct os_file_id){ file.dev, file.inode };
	return found;
}

bool os_file_is_below(struct ps_prochandle *P, const char *path, const struct os_file_id *file)
{
	const struct proc_objects *o = handle_objects(P);

	return o != NULL && o->files.destroy == live_files_destroy &&
	       live_files_same(o->files.data, path, file->dev, file->inode, false);
}
