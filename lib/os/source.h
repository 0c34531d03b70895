/* Files that a target names as the source of its code, and moments to compare them with.
 * linux_source.c, illumos_files.c. */
#ifndef OS_SOURCE_H
#define OS_SOURCE_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Open the file at an absolute path in the target's root, else (cores) where the user has such
 * files, if it is a regular one that is stored: FIFOs, devices and files of /proc are not opened.
 * Returns a descriptor, which the caller closes, or -1 with errno. */
int os_open_source(struct ps_prochandle *P, const char *path);

/* The working directory of live P as a path in its root. False: unknown, or it has none there. */
bool os_working_directory(struct ps_prochandle *P, char *buf, size_t size);

/* When live P began, or the oldest of its ancestors that it was forked from without an exec and
 * that still live; or, with the path of its file, when the core P was written: in ns since the
 * epoch; 0: unknown. */
int64_t os_source_moment(struct ps_prochandle *P, const char *core);

/* When the file was last written, in ns since the epoch; 0: unknown, as of a copy. */
int64_t os_source_written(int fd);

#endif
