/* Linux: whose child a process is, and when it began. linux_process_stat.c. */
#ifndef OS_PROCESS_STAT_H
#define OS_PROCESS_STAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct os_process_stat {
	pid_t parent;
	uint64_t began; /* ticks since the machine was booted */
};

/* Read /proc/PID/stat (proc(5), fields 4 and 22) at `path`, relative to the directory dir as for
 * openat(2). False: it cannot be read, or there is no such process. */
bool os_process_stat_read(int dir, const char *path, struct os_process_stat *out);

/* The moment `began` in ns since the epoch; 0: unknown. */
int64_t os_process_moment(uint64_t began);

#endif
