/* PRIVATE to lib/stack: greenlets (PyPI greenlet, which gevent is built on), several stacks that one thread takes in turns. */
#ifndef STACK_GREENLET_H
#define STACK_GREENLET_H

#include <libproc.h>
#include <stdbool.h>

/* For join_input.switches: is pc in greenlet's own code? */
bool greenlet_switches(void *P, uint64_t pc);

#endif
