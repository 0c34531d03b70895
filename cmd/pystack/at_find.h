/* Processes that are observed without being named one by one. */
#ifndef PYSTACK_AT_FIND_H
#define PYSTACK_AT_FIND_H

#include "at_observed.h"

/* From /proc/PID/stat. */
struct process_stat {
	uint32_t parent;
	uint32_t began; /* clock ticks since the start of the machine, modulo 2^32 */
};

/* False: it has ended. */
bool process_stat_read(uint32_t pid, struct process_stat *out);

/* Has the process the executable `wanted` (probe_exe_is: PROBE_EXE_MAX bytes)? 1: yes; 0: no; -1:
 * one may not look, but it seems so. */
int process_exe_is(uint32_t pid, const char *wanted);

/* Observe the children of the observed processes, and theirs, that exist. The kernel adds those
 * that are forked from now on. */
void at_find_children(struct observing *x);

/* Observe the processes whose executable is `name` (probe_exe_is). The kernel adds those that
 * execute it from now on. */
void at_find_named(struct observing *x, const char *name);

/* Observe the processes that have a Python, of those that have begun since the last call. */
void at_find_pythons(struct observing *x);

/* Observe processes that have mapped a libpython since they were looked at. */
void at_find_mapped(struct observing *x);

/* Print how many processes may not be looked at, if there are any. `option` has asked for them. */
void at_find_refused(struct observing *x, const char *option);

/* If no process is observed yet, say so, and name one that was started as `name` but has another
 * executable. */
void at_find_none(const struct observing *x, const char *name);

#endif
