/* Stand-in for illumos <errno.h>: what is used of it. */
#ifndef STAND_IN_ERRNO_H
#define STAND_IN_ERRNO_H

extern int *___errno(void);
#define errno (*(___errno()))

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EIO 5
#define ENOEXEC 8
#define EBADF 9
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define ENOTDIR 20
#define EINVAL 22
#define ENFILE 23
#define EMFILE 24
#define EFBIG 27
#define E2BIG 7
#define EILSEQ 88
#define EPIPE 32
#define ERANGE 34
#define ENOTSUP 48
#define EBADMSG 77
#define EOVERFLOW 79
#define ECONNABORTED 130
#define ENOBUFS 132
#define ENOTCONN 134
#define ETIMEDOUT 145
#define EHOSTDOWN 147
#define EHOSTUNREACH 148
#define ESTALE 151

#endif
