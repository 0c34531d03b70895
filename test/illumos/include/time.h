/* Stand-in for illumos <time.h>: what is used of it. */
#ifndef STAND_IN_TIME_H
#define STAND_IN_TIME_H

#include <sys/types.h>

#define CLOCK_REALTIME 3
#define CLOCK_MONOTONIC 4
#define CLOCK_PROCESS_CPUTIME_ID 5
#define TIMER_ABSTIME 1

extern int clock_gettime(clockid_t, struct timespec *);
extern int clock_nanosleep(clockid_t, int, const struct timespec *, struct timespec *);
extern int nanosleep(const struct timespec *, struct timespec *);
extern time_t time(time_t *);

#endif
