/* Stand-in for illumos <unistd.h>: what is used of it. */
#ifndef STAND_IN_UNISTD_H
#define STAND_IN_UNISTD_H

#include <sys/feature_tests.h>
#include <sys/types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define F_OK 0
#define R_OK 4
#define SEEK_SET 0

/* Names that a program may want for its own. */
#if !defined(__XOPEN_OR_POSIX) || defined(__EXTENSIONS__)
extern int acct(const char *);
extern int brk(void *);
extern int chroot(const char *);
extern int fchroot(int);
extern int fattach(int, const char *);
extern int fdetach(const char *);
extern pid_t fork1(void);
extern pid_t forkall(void);
extern char *gettxt(const char *, const char *);
extern int ioctl(int, int, ...);
extern int isaexec(const char *, char *const *, char *const *);
extern int issetugid(void);
extern void profil(unsigned short *, size_t, unsigned long, unsigned int);
extern int resolvepath(const char *, char *, size_t);
extern void *sbrk(intptr_t);
extern int stime(const time_t *);
extern off_t tell(int);
extern void vhangup(void);
extern void yield(void);
#endif
extern unsigned alarm(unsigned);
extern int chdir(const char *);
extern int chown(const char *, uid_t, gid_t);
extern size_t confstr(int, char *, size_t);
extern char *crypt(const char *, const char *);
extern int dup(int);
extern int dup2(int, int);
extern void encrypt(char *, int);
extern int execv(const char *, char *const *);
extern int execvp(const char *, char *const *);
extern int fsync(int);
extern int ftruncate(int, off_t);
extern char *getcwd(char *, size_t);
extern gid_t getegid(void);
extern gid_t getgid(void);
extern char *getlogin(void);
extern int getpagesize(void);
extern pid_t getpgid(pid_t);
extern pid_t getppid(void);
extern uid_t getuid(void);
extern int link(const char *, const char *);
extern int lockf(int, int, off_t);
extern off_t lseek(int, off_t, int);
extern int nice(int);
extern int pause(void);
extern ssize_t pwrite(int, const void *, size_t, off_t);
extern int rmdir(const char *);
extern pid_t setsid(void);
extern unsigned sleep(unsigned);
extern int symlink(const char *, const char *);
extern void sync(void);
#define _SC_PAGESIZE 11
#define _SC_PHYS_PAGES 500
extern long sysconf(int);
extern int truncate(const char *, off_t);
extern char *ttyname(int);
extern int unlink(const char *);
extern pid_t vfork(void);

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
