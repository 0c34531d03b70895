/* Which package a file is of: linux_package.c, illumos_files.c. */
#ifndef OS_PACKAGE_H
#define OS_PACKAGE_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>

/* Write to out (n bytes) the name of the package with the debug information of the file that is
 * mapped at that path in live P. False: it is not known for certain; then out is the name of the
 * package that has the file, if dpkg's lists of this machine tell it and P has the same file, else
 * "". No program is run. */
bool os_debug_package(struct ps_prochandle *P, const char *path, char *out, size_t n);

/* The same by the lists (NAME.list, NAME:ARCHITECTURE.list) in a directory. */
bool os_debug_package_in(const char *lists, const char *path, char *out, size_t n);

#endif
