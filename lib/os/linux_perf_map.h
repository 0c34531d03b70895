/* PRIVATE to lib/os: what linux_perf_map.c and linux_jit_dump.c share. */
#ifndef OS_LINUX_PERF_MAP_H
#define OS_LINUX_PERF_MAP_H

#include <sys/types.h>

#include "base/fault.h"

/* The pid in the innermost pid namespace: the last number of the line NSpid. */
pid_t linux_inner_pid(pid_t pid);

/* RES_FAIL: the open file is not this process's, or may be anybody's; f says why, with its name. */
enum res linux_perf_file_check(int fd, pid_t pid, const char *name, struct fault *f);

#endif
