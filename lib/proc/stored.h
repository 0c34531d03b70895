/* PRIVATE to lib/proc: which files may be opened because a target names them.
 *
 * A core can name any path, and a process can mount what it likes where its libraries were. Opening or reading
 * some files does something: it takes messages out of /proc/kmsg, waits for a FIFO, rewinds a tape. So a path is opened with O_PATH
 * first, which touches nothing, and asked what it is. */
#ifndef PROC_STORED_H
#define PROC_STORED_H

#include <sys/stat.h>

/* Is path_fd (of O_PATH) a regular file, and on a file system that stores files? *st is its state. 0, or -1 with errno:
 * EINVAL, it is no regular file; ENOTSUP, the kernel makes up what is in it (/proc, /sys); or that of fstat(2). */
int stored_check(int path_fd, struct stat *st);

/* What is to be said of such an error, or any other of open(2). */
const char *stored_error(int error);

#endif
