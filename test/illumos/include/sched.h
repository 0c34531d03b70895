/* Stand-in for illumos <sched.h>: what is used of it. */
#ifndef STAND_IN_SCHED_H
#define STAND_IN_SCHED_H

extern int sched_yield(void);

#endif
