/* Stand-in for illumos <sys/wait.h>: what is used of it. */
#ifndef STAND_IN_SYS_WAIT_H
#define STAND_IN_SYS_WAIT_H

#include <sys/types.h>

extern pid_t waitpid(pid_t, int *, int);
#define WIFEXITED(stat) (((stat)&0xff) == 0)
#define WEXITSTATUS(stat) (((stat) >> 8) & 0xff)

#endif
