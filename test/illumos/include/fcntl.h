/* Stand-in for illumos <fcntl.h>: what is used of it. */
#ifndef STAND_IN_FCNTL_H
#define STAND_IN_FCNTL_H

#include <sys/types.h>

#define O_RDONLY 0
#define O_WRONLY 1
#define O_RDWR 2
#define O_NONBLOCK 0x80
#define O_CREAT 0x100
#define O_EXCL 0x400
#define O_NOCTTY 0x800
#define O_NOFOLLOW 0x20000
#define O_CLOEXEC 0x800000
#define O_DIRECTORY 0x1000000
#define F_GETFD 1

extern int fcntl(int, int, ...);
extern int open(const char *, int, ...);
extern int openat(int, const char *, int, ...);

#endif
