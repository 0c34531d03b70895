/* PRIVATE to lib/stack: greenlets (PyPI greenlet, the base of gevent), several stacks on one
 * thread. */
#ifndef STACK_GREENLET_H
#define STACK_GREENLET_H

#include <libproc.h>
#include <stdbool.h>

/* For join_input.switches: true if pc is in greenlet's code. P: the handle. */
bool greenlet_switches(void *P, uint64_t pc);

#endif
