/* Stand-in for illumos <sys/types.h>, LP64. */
#ifndef STAND_IN_SYS_TYPES_H
#define STAND_IN_SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef unsigned char uchar_t;
typedef unsigned short ushort_t;
typedef unsigned int uint_t;
typedef unsigned long ulong_t;
typedef long ssize_t;
typedef long off_t;
typedef int pid_t;
typedef int id_t;
typedef id_t projid_t;
typedef id_t taskid_t;
typedef id_t zoneid_t;
typedef id_t poolid_t;
typedef unsigned int uid_t;
typedef unsigned int gid_t;
typedef unsigned int mode_t;
typedef unsigned int nlink_t;
typedef unsigned int lwpid_t; /* 1 ... n in each process */
typedef unsigned long dev_t;
typedef unsigned long ino_t;
typedef long blksize_t;
typedef long blkcnt_t;
typedef long time_t;
typedef long suseconds_t;
typedef unsigned int pthread_t;
typedef int clockid_t;
typedef struct timespec {
	time_t tv_sec;
	long tv_nsec;
} timespec_t;
typedef struct timespec timestruc_t;

#endif
