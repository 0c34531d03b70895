/* PRIVATE to lib/proc: which files may be opened because a target names them.
 *
 * A core can name any path, and a process can mount anything over its libraries. Opening or reading
 * some files has side effects: it consumes messages of /proc/kmsg, waits for a FIFO or rewinds a
 * tape. So a path is opened with O_PATH first, which has no effect, and checked. */
#ifndef PROC_STORED_H
#define PROC_STORED_H

#include <sys/stat.h>

/* Check that path_fd (opened with O_PATH) is a regular file on a file system that stores files.
 * Returns 0 and its state in *st, or -1 with errno: EINVAL (not a regular file), ENOTSUP (the
 * kernel generates its contents, as in /proc and /sys), or an error of fstat(2). */
int stored_check(int path_fd, struct stat *st);

#endif
