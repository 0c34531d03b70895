/* Processes that are observed without being named one by one. */
#ifndef PYSTACK_AT_FIND_H
#define PYSTACK_AT_FIND_H

#include "at_observed.h"

/* Observe the children of the observed processes, and theirs, that exist. The kernel adds those
 * that are forked from now on. */
void at_find_children(struct observing *x);

/* Observe the processes whose executable is `name` (probe_exe_is). The kernel adds those that
 * execute it from now on. */
void at_find_named(struct observing *x, const char *name);

/* Observe the processes that have a Python, of those that have begun since the last call. */
void at_find_pythons(struct observing *x);

/* Print how many processes may not be looked at, if there are any. `option` has asked for them. */
void at_find_refused(struct observing *x, const char *option);

#endif
