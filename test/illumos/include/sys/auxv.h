/* Stand-in for illumos <sys/auxv.h>. */
#ifndef STAND_IN_SYS_AUXV_H
#define STAND_IN_SYS_AUXV_H

#define AT_PHDR 3

#endif
