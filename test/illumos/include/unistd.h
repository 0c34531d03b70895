/* Stand-in for illumos <unistd.h>: what is used of it. */
#ifndef STAND_IN_UNISTD_H
#define STAND_IN_UNISTD_H

#include <sys/types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define F_OK 0
#define R_OK 4
#define SEEK_SET 0

extern void _exit(int) __attribute__((noreturn));
extern int access(const char *, int);
extern int close(int);
extern pid_t fork(void);
extern uid_t geteuid(void);
extern pid_t getpid(void);
extern int isatty(int);
extern int pipe(int[2]);
extern ssize_t pread(int, void *, size_t, off_t);
extern ssize_t read(int, void *, size_t);
extern ssize_t readlink(const char *, char *, size_t);
extern ssize_t write(int, const void *, size_t);

#endif
