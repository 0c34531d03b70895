/* See refusals.h. */
#include "refusals.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "base/again.h"
#include "base/refused.h"
#include "bounds_memory.h"
#include "warn.h"

/* With _FORTIFY_SOURCE, which archives of libraries are compiled with too, glibc's headers call
 * these instead of some functions. */
#ifdef __GLIBC__
#define CHECKED
#endif

/* The linker's names: __wrap_X is called for X, which is __real_X. */
#define WRAPPED(result, name, ...)         \
	result __real_##name(__VA_ARGS__); \
	result __wrap_##name(__VA_ARGS__); \
	result __wrap_##name(__VA_ARGS__)

static struct {
	pthread_mutex_t lock;
	uint64_t all;    /* since the start */
	uint64_t memory; /* since the last refusals_warn; files likewise */
	uint64_t files;
	const char *verb;    /* the first of the files: what failed, */
	int error;           /* why, */
	char path[PATH_MAX]; /* and with which */
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void memory_refused(void)
{
	(void)pthread_mutex_lock(&seen.lock);
	seen.all++;
	seen.memory++;
	(void)pthread_mutex_unlock(&seen.lock);
}

static void *memory_checked(void *given)
{
	if (given == NULL)
		memory_refused();
	return given;
}

/* Errors that do not depend on the file. Other errors are answers about it: it does not exist,
 * it may not be read (EACCES), its process has ended. */
static bool is_refusal(int error)
{
	static const int refusing[] = { EIO, EPERM, EINTR, ENOMEM, EMFILE, ENFILE, ESTALE, ETIMEDOUT,
		ENOTCONN, ENOBUFS, ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, EBADMSG,
#ifdef __linux__
		EREMOTEIO, EUCLEAN
#endif
	};

	for (size_t i = 0; i < sizeof(refusing) / sizeof(refusing[0]); i++) {
		if (error == refusing[i])
			return true;
	}
	return false;
}

/* The path of descriptor fd, in buf, or `otherwise` if it is unknown. */
static const char *path_of_fd(int fd, const char *otherwise, char buf[PATH_MAX])
{
	char self[32];
	ssize_t n;

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	n = readlink(self, buf, PATH_MAX - 1);
	if (n <= 0)
		return otherwise;
	buf[n] = '\0';
	return buf;
}

/* Keeps errno. */
static void file_count(const char *verb, int fd, const char *path)
{
	static const char descriptor[] = "/proc/self/fd/";
	int error = errno;
	char buf[PATH_MAX];

	/* /proc/self/fd/N tells nothing: resolve it. */
	if (path != NULL && strncmp(path, descriptor, sizeof(descriptor) - 1) == 0)
		path = path_of_fd((int)strtol(path + sizeof(descriptor) - 1, NULL, 10), path, buf);
	else if (path == NULL)
		path = path_of_fd(fd, "a file", buf);
	(void)pthread_mutex_lock(&seen.lock);
	seen.all++;
	if (seen.files++ == 0) {
		seen.verb = verb;
		seen.error = error;
		(void)snprintf(seen.path, sizeof(seen.path), "%s", path);
	}
	(void)pthread_mutex_unlock(&seen.lock);
	errno = error;
}

/* Keeps errno. */
static void file_refused(const char *verb, int fd, const char *path)
{
	if (is_refusal(errno))
		file_count(verb, fd, path);
}

/* The same for a file that was to be opened. Links in map_files are for the mighty only; there are
 * other ways to their files. */
static void open_refused(const char *path)
{
	if (errno != EPERM || strstr(path, "map_files/") == NULL)
		file_refused("open", -1, path);
}

uint64_t refusals_count(void)
{
	uint64_t n;

	(void)pthread_mutex_lock(&seen.lock);
	n = seen.all;
	(void)pthread_mutex_unlock(&seen.lock);
	return n;
}

bool refusals_warn(const char *operand, bool printed)
{
	struct record_warning w = { .operand = operand, .printed = printed };
	char path[PATH_MAX];
	uint64_t files, none;

	(void)pthread_mutex_lock(&seen.lock);
	files = seen.files;
	none = seen.memory;
	w.action = seen.verb;
	w.error = seen.error;
	memcpy(path, seen.path, sizeof(path));
	seen.files = seen.memory = 0;
	(void)pthread_mutex_unlock(&seen.lock);
	if (none != 0) {
		w.count[0] = bounds_memory_refused();
		w.code = w.count[0] != 0 ? WARN_MEMORY : WARN_NO_MEMORY;
		warn_record(&w);
	}
	if (files != 0) {
		w.code = WARN_FILE;
		w.file = path;
		w.count[0] = files - 1;
		warn_record(&w);
	}
	return files != 0 || none != 0;
}

/* --- memory --- */

/* Sets errno if not. */
static bool memory_allows(size_t n)
{
	if (bounds_memory_allows(n))
		return true;
	errno = ENOMEM;
	return false;
}

WRAPPED(void *, malloc, size_t n)
{
	return memory_checked(memory_allows(n) ? __real_malloc(n) : NULL);
}

WRAPPED(void *, calloc, size_t count, size_t n)
{
	size_t all;

	/* One that overflows fails anyway. */
	return memory_checked(
	    __builtin_mul_overflow(count, n, &all) || memory_allows(all) ? __real_calloc(count, n) : NULL);
}

WRAPPED(void *, realloc, void *old, size_t n)
{
	return memory_checked(memory_allows(n) ? __real_realloc(old, n) : NULL);
}

WRAPPED(char *, strdup, const char *text)
{
	return memory_checked(__real_strdup(text));
}

WRAPPED(char *, strndup, const char *text, size_t n)
{
	return memory_checked(__real_strndup(text, n));
}

WRAPPED(int, vasprintf, char **out, const char *fmt, va_list ap)
{
	int n = __real_vasprintf(out, fmt, ap);

	if (n < 0)
		memory_refused();
	return n;
}

#ifdef CHECKED
WRAPPED(int, __vasprintf_chk, char **out, int flag, const char *fmt, va_list ap)
{
	int n = __real___vasprintf_chk(out, flag, fmt, ap);

	if (n < 0)
		memory_refused();
	return n;
}
#endif

/* The descriptor is open, so only memory can be missing. */
WRAPPED(void *, fdopendir, int fd)
{
	return memory_checked(__real_fdopendir(fd));
}

WRAPPED(void *, open_memstream, char **text, size_t *n)
{
	return memory_checked(__real_open_memstream(text, n));
}

/* --- files --- */

/* Only calls that create files have a mode, and none is created. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	unsigned times = 0;
	int fd;

	do
		fd = __real_open(path, flags);
	while (fd < 0 && again_after(errno, &times));
	if (fd < 0)
		open_refused(path);
	return fd;
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
	unsigned times = 0;
	int fd;

	do
		fd = __real_openat(dir, path, flags);
	while (fd < 0 && again_after(errno, &times));
	if (fd < 0)
		open_refused(path);
	return fd;
}

WRAPPED(ssize_t, read, int fd, void *to, size_t n)
{
	ssize_t got = __real_read(fd, to, n);

	/* Interrupted, it is made again. */
	if (got < 0 && errno != EINTR)
		file_refused("read", fd, NULL);
	return got;
}

#ifdef CHECKED
WRAPPED(int, __open_2, const char *path, int flags)
{
	unsigned times = 0;
	int fd;

	do
		fd = __real___open_2(path, flags);
	while (fd < 0 && again_after(errno, &times));
	if (fd < 0)
		open_refused(path);
	return fd;
}

WRAPPED(int, __openat_2, int dir, const char *path, int flags)
{
	unsigned times = 0;
	int fd;

	do
		fd = __real___openat_2(dir, path, flags);
	while (fd < 0 && again_after(errno, &times));
	if (fd < 0)
		open_refused(path);
	return fd;
}

WRAPPED(ssize_t, __read_chk, int fd, void *to, size_t n, size_t room)
{
	ssize_t got = __real___read_chk(fd, to, n, room);

	if (got < 0 && errno != EINTR)
		file_refused("read", fd, NULL);
	return got;
}
#endif

WRAPPED(int, fstat, int fd, struct stat *st)
{
	unsigned times = 0;
	int result;

	do
		result = __real_fstat(fd, st);
	while (result != 0 && again_after(errno, &times));
	if (result != 0)
		file_refused("examine", fd, NULL);
	return result;
}

#ifdef __linux__
/* path: "" for fd itself. */
WRAPPED(int, statx, int fd, const char *path, int flags, unsigned mask, struct statx *st)
{
	unsigned times = 0;
	int result;

	do
		result = __real_statx(fd, path, flags, mask, st);
	while (result != 0 && again_after(errno, &times));
	if (result != 0)
		file_refused("examine", fd, path[0] == '\0' ? NULL : path);
	return result;
}
#endif

/* Mappings without a file serve purposes that have alternatives. */
WRAPPED(void *, mmap, void *addr, size_t n, int prot, int flags, int fd, off_t off)
{
	void *at = __real_mmap(addr, n, prot, flags, fd, off);

	if (at == MAP_FAILED && fd >= 0)
		file_refused("map", fd, NULL);
	return at;
}

/* A child failed, there can be none for now (EAGAIN: too many processes), or what it would have
 * to copy is too large. */
void __wrap_refused_file(const char *verb, int fd, const char *path);
void __wrap_refused_file(const char *verb, int fd, const char *path)
{
	if (is_refusal(errno) || errno == EAGAIN || errno == EFBIG)
		file_count(verb, fd, path);
}

#ifdef SYS_openat2
/* The C library has no function for openat2(2). */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	enum { ARGUMENTS = 6 };
	long arg[ARGUMENTS], result;
	unsigned times = 0;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < ARGUMENTS; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	do
		result = __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	while (number == SYS_openat2 && result < 0 && again_after(errno, &times));
	if (number == SYS_openat2 && result < 0)
		open_refused((const char *)arg[1]);
	return result;
}
#endif
