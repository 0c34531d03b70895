/* Processes that are observed without being named one by one. */
#ifndef PYSTACK_AT_FIND_H
#define PYSTACK_AT_FIND_H

#include "at_observed.h"

/* Observe the children of the observed processes, and theirs, that exist. The kernel adds those
 * that are forked from now on. */
void at_find_children(struct observing *x);

#endif
