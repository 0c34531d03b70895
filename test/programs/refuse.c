/* Preloaded into a program: the system refuses one request of it.
 *
 *   REFUSE=CALL:N      the Nth request of that kind fails: memory (ENOMEM), thread (EAGAIN), or
 *                      open, read, pread, stat, map, target, stop, registers (EIO)
 *   REFUSE=CALL:N:     that request and all further ones fail
 *   REFUSE_COUNT=FILE  at the end the number of requests is written to FILE
 *
 * memory: malloc, calloc and realloc of any caller; thread: pthread_create; target:
 * process_vm_readv; stop: PTRACE_INTERRUPT; registers: PTRACE_GETREGSET. Calls inside the C library are not seen. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *old, size_t n);

enum { MEMORY, THREAD, OPEN, READ, PREAD, STAT, MAP, TARGET, STOP, REGISTERS, KINDS };
static const char *const names[KINDS] = { "memory", "thread", "open", "read", "pread", "stat", "map",
	"target", "stop", "registers" };

static int kind = -1, after;
static long at, seen, asked;

static void ask(void)
{
	const char *text = getenv("REFUSE"), *colon = text == NULL ? NULL : strchr(text, ':');
	char *end;

	if (asked++ != 0 || colon == NULL)
		return;
	at = strtol(colon + 1, &end, 10);
	after = *end == ':';
	for (int i = 0; i < KINDS; i++) {
		if (strncmp(text, names[i], (size_t)(colon - text)) == 0)
			kind = i;
	}
}

static int refused(int of, int error)
{
	long k;

	if (asked == 0)
		ask();
	if (of != kind)
		return 0;
	k = __sync_add_and_fetch(&seen, 1);
	if (k != at && !(after && k > at))
		return 0;
	errno = error;
	return 1;
}

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

void *malloc(size_t n)
{
	return refused(MEMORY, ENOMEM) ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
	return refused(MEMORY, ENOMEM) ? NULL : __libc_calloc(count, n);
}

void *realloc(void *old, size_t n)
{
	return refused(MEMORY, ENOMEM) ? NULL : __libc_realloc(old, n);
}

int pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	return refused(THREAD, EAGAIN) ? EAGAIN : NEXT(pthread_create)(id, attr, run, arg);
}

int open(const char *path, int flags, ...)
{
	return refused(OPEN, EIO) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
}

int openat(int dir, const char *path, int flags, ...)
{
	return refused(OPEN, EIO) ? -1 : (int)syscall(SYS_openat, dir, path, flags, 0);
}

/* There is no function for openat2(2). */
long syscall(long number, ...)
{
	long arg[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2 && refused(OPEN, EIO))
		return -1;
	return NEXT(syscall)(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

ssize_t read(int fd, void *to, size_t n)
{
	return refused(READ, EIO) ? -1 : NEXT(read)(fd, to, n);
}

ssize_t pread(int fd, void *to, size_t n, off_t off)
{
	return refused(PREAD, EIO) ? -1 : NEXT(pread)(fd, to, n, off);
}

int fstat(int fd, struct stat *st)
{
	return refused(STAT, EIO) ? -1 : NEXT(fstat)(fd, st);
}

void *mmap(void *addr, size_t n, int prot, int flags, int fd, off_t off)
{
	return refused(MAP, EIO) ? MAP_FAILED : NEXT(mmap)(addr, n, prot, flags, fd, off);
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *to, unsigned long n, const struct iovec *from,
    unsigned long m, unsigned long flags)
{
	return refused(TARGET, EIO) ? -1 : NEXT(process_vm_readv)(pid, to, n, from, m, flags);
}

/* Far from those that the program uses. It is opened now: later the program may open no file to
 * write. */
enum { COUNT_FD = 200 };

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("REFUSE_COUNT");
	int fd = path == NULL ? -1
			      : (int)NEXT(syscall)(SYS_openat, AT_FDCWD, path,
				    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	(void)dup3(fd, COUNT_FD, O_CLOEXEC);
	(void)close(fd);
}

__attribute__((destructor)) static void tell(void)
{
	char text[32];

	(void)!write(COUNT_FD, text, (size_t)snprintf(text, sizeof(text), "%ld\n", seen));
}

/* All requests that are used have this number of arguments. */
long ptrace(enum __ptrace_request request, ...)
{
	void *arg[2];
	va_list ap;
	pid_t id;

	va_start(ap, request);
	id = va_arg(ap, pid_t);
	for (int i = 0; i < 2; i++)
		arg[i] = va_arg(ap, void *);
	va_end(ap);
	if ((request == PTRACE_INTERRUPT && refused(STOP, EIO)) ||
	    (request == PTRACE_GETREGSET && refused(REGISTERS, EIO)))
		return -1;
	return NEXT(ptrace)(request, id, arg[0], arg[1]);
}
