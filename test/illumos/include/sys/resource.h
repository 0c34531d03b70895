/* Stand-in for illumos <sys/resource.h>: what is used of it. */
#ifndef STAND_IN_SYS_RESOURCE_H
#define STAND_IN_SYS_RESOURCE_H

#include <sys/types.h>

typedef unsigned long rlim_t;
struct rlimit {
	rlim_t rlim_cur;
	rlim_t rlim_max;
};
#define RLIMIT_CPU 0
#define RLIMIT_CORE 4
#define RLIMIT_NOFILE 5
#define RLIMIT_VMEM 6
#define RLIMIT_AS RLIMIT_VMEM

extern int getrlimit(int, struct rlimit *);
extern int setrlimit(int, const struct rlimit *);

#endif
