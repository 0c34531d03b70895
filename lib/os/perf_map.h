/* Names that a program has written for its code in no file, for perf(1): linux_perf_map.c,
 * linux_jit_dump.c, illumos_files.c. */
#ifndef OS_PERF_MAP_H
#define OS_PERF_MAP_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"

/* Open /tmp/perf-PID.map of live P: in its root, with its pid there. It counts only if it is a
 * regular file that belongs to the target's user or to root, as anybody may write to /tmp, and
 * was written since P began, as pids are given again. *certain: P has it open, until it
 * executes another program; else one that ran in P before may have written it. *fd: a
 * descriptor, which the caller closes. RES_NONE: there is none. RES_FAIL: it does not count, or
 * cannot be opened; f says why, and its name. */
enum res os_open_perf_map(struct ps_prochandle *P, int *fd, bool *certain, struct fault *f);

/* The same for jit-PID.dump, wherever live P has it mapped with the right to execute, as programs
 * do that write one. *pid: P's pid there. */
enum res os_open_jit_dump(struct ps_prochandle *P, int *fd, pid_t *pid, struct fault *f);

#endif
