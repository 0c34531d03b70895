/* See core_unpack.h. */
#include "core_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/again.h"
#include "base/fileio.h"
#include "base/owned.h"
#include "core_progress.h"
#include "os/confine.h"

enum { CHUNK = 1 << 20, EXIT_BASE = 16 };

struct unpacking {
	struct span packed;
	enum stream_format format;
	volatile uint64_t *taken; /* shared with the child */
	struct progress progress;
	struct spool *out;
};

/* --- the child --- */

static bool write_piece(void *data, const void *bytes, size_t n)
{
	const int *fd = data;

	return fileio_write(*fd, bytes, n);
}

#ifndef __SANITIZE_ADDRESS__
static void limit_memory(void)
{
	const rlim_t most = STREAM_MEMORY + STREAM_MEMORY / 8;
	struct rlimit now;

	if (getrlimit(RLIMIT_DATA, &now) != 0 || now.rlim_cur <= most)
		return;
	now.rlim_cur = most;
	(void)setrlimit(RLIMIT_DATA, &now);
}
#endif

static void __attribute__((noreturn)) run_child(const struct unpacking *u, pid_t parent, int fd)
{
	const struct stream_sink sink = { write_piece, &fd, u->taken };
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGSEGV, SIGBUS, SIGABRT,
		SIGXCPU };

	/* The parent's handlers must not run here. */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_DFL);
	if (!os_die_with_parent(parent))
		_exit(0);
#ifndef __SANITIZE_ADDRESS__
	limit_memory();
#endif
	os_sandbox(fd);
	_exit(EXIT_BASE + (int)stream_unpack(u->format, u->packed, &sink));
}

/* --- this process --- */

/* Take what comes, until its end. False: no more is wanted. */
static bool take_all(struct unpacking *u, int fd)
{
	OWNED(mem_release) char *chunk = malloc(CHUNK);
	unsigned times = 0;
	ssize_t got;

	if (chunk == NULL) {
		(void)fault_memory(&u->out->why);
		return false;
	}
	for (;;) {
		got = read(fd, chunk, CHUNK);
		if (got < 0 && again_after(errno, &times))
			continue;
		if (got < 0) {
			(void)fault_set(
			    &u->out->why, 0, errno, 0, "it cannot be uncompressed: %s", strerror(errno));
			return false;
		}
		if (got == 0)
			return true;
		if (!spool_put(u->out, chunk, (size_t)got))
			return false;
		progress_show(&u->progress, u->out->size, *u->taken, span_left(&u->packed));
	}
}

/* What the child's end says. */
static enum res unpack_result(const struct unpacking *u, int status, struct fault *why)
{
	const char *name = stream_name(u->format);
	int end = WIFEXITED(status) ? WEXITSTATUS(status) - EXIT_BASE : -1;
	uint64_t n = u->out->size;

	if (end == STREAM_WHOLE)
		return RES_OK;
	if (end == STREAM_CUT)
		(void)fault_set(why, 0, 0, 0,
		    "its end is missing: the %s data stop after %zu bytes, %" PRIu64
		    " uncompressed; check free space and the copy of the file",
		    name, span_left(&u->packed), n);
	else if (end == STREAM_NO_MEMORY)
		(void)fault_set(why, 0, ENOMEM, 0, "it takes too much memory to uncompress (%s)", name);
	else
		(void)fault_set(why, 0, 0, 0,
		    "the %s data are damaged at byte %" PRIu64 ": only the %" PRIu64 " bytes before are read",
		    name, *u->taken, n);
	return RES_NONE;
}

static enum res run_unpacking(struct unpacking *u, struct fault *why)
{
	OWNED(fd_release) int from = -1;
	int ends[2], status = 0;
	pid_t self = getpid(), pid;
	unsigned times = 0;
	bool whole;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return fault_set(why, 0, errno, 0, "cannot create a pipe: %s", strerror(errno));
	from = ends[0];
	(void)fcntl(ends[1], F_SETPIPE_SZ, CHUNK);
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		run_child(u, self, ends[1]);
	}
	(void)close(ends[1]);
	if (pid < 0)
		return fault_set(why, 0, errno, 0, "cannot fork to uncompress it: %s", strerror(errno));
	whole = take_all(u, from);
	if (!whole)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && again_after(errno, &times)) {
	}
	if (whole)
		return unpack_result(u, status, why);
	*why = u->out->why;
	return RES_NONE;
}

enum res core_unpack(
    int fd, enum stream_format format, const char *name, struct spool *out, struct fault *why)
{
	struct unpacking u = { .format = format, .out = out };
	void *bytes, *taken;
	struct stat st;
	enum res res;

	if (!stream_is_built(format))
		return fault_set(why, 0, 0, 0,
		    "it is compressed by %s, and this pystack was built without %s; uncompress it first",
		    stream_name(format), stream_library(format));
	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return fault_set(why, 0, errno, 0, "it cannot be read");
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	taken = mmap(NULL, sizeof(*u.taken), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED || taken == MAP_FAILED) {
		(void)fault_set(why, 0, errno, 0, "it cannot be mapped: %s", strerror(errno));
		res = RES_FAIL;
	} else {
		u.packed = span_of(bytes, (size_t)st.st_size);
		u.taken = taken;
		progress_begin(&u.progress, name);
		res = run_unpacking(&u, why);
		progress_end(&u.progress);
	}
	if (bytes != MAP_FAILED)
		(void)munmap(bytes, (size_t)st.st_size);
	if (taken != MAP_FAILED)
		(void)munmap(taken, sizeof(*u.taken));
	return res;
}
