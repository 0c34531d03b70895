/* Names that a program has written for its code in no file, for perf(1): linux_perf_map.c,
 * illumos_files.c. */
#ifndef OS_PERF_MAP_H
#define OS_PERF_MAP_H

#include <libproc.h>

/* Open /tmp/perf-PID.map of live P: in its root, with its pid there. It counts only if it is a
 * regular file that belongs to the target's user or to root, as anybody may write to /tmp, and was
 * written since P began, as pids are given again. Returns a descriptor, which the caller closes, or
 * -1. */
int os_open_perf_map(struct ps_prochandle *P);

#endif
