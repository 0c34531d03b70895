/* This program itself. linux_self.c, illumos_files.c. */
#ifndef OS_SELF_H
#define OS_SELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The path of the file that is mapped at addr, in buf, truncated to n bytes; NULL: unknown.
 * Safe in a signal handler. */
char *os_own_file_at(uintptr_t addr, char *buf, size_t n);

/* The size of the memory of its own that this program has, in bytes: what RLIMIT_DATA limits.
 * False: unknown. Allocates nothing. */
bool os_self_data(uint64_t *bytes);

#endif
