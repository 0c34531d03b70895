/* See core_spool.h. */
#include "core_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/again.h"
#include "base/owned.h"
#include "base/strbuf.h"

enum { BLOCK = 4096, PENDING = 256 * BLOCK };

#define SIZE_MAX_CORE ((uint64_t)256 << 30)

/* Create and unlink a file in dir. No signal comes between the two. -1 with errno. */
static int open_nameless(const char *dir)
{
	OWNED(strbuf_free) struct strbuf path = STRBUF_EMPTY;
	sigset_t all, before;
	int fd, error;

	strbuf_fmt(&path, "%s/pystack-XXXXXX", dir);
	if (path.failed) {
		errno = ENOMEM;
		return -1;
	}
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	fd = mkostemp(path.at, O_CLOEXEC);
	error = errno;
	if (fd >= 0)
		(void)unlink(path.at);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return fd;
}

static void set_limits(struct spool *s)
{
	struct rlimit most;
	struct statvfs fs;

	s->size_max = SIZE_MAX_CORE;
	s->stored_max = UINT64_MAX;
	if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY &&
	    most.rlim_cur < s->size_max)
		s->size_max = most.rlim_cur;
	if (fstatvfs(s->fd, &fs) == 0) {
		uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;

		s->stored_max = free_bytes - free_bytes / 16;
	}
}

const char *spool_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir != NULL && dir[0] == '/' ? dir : "/var/tmp";
}

enum res spool_create(struct spool *s, struct fault *f)
{
	*s = (struct spool){ .fd = -1, .dir = spool_dir() };
	s->pending = malloc(PENDING);
	if (s->pending == NULL)
		return fault_memory(f);
	s->fd = open_nameless(s->dir);
	if (s->fd < 0) {
		(void)fault_set(f, 0, errno, 0, "no temporary file can be created in %s: %s; set TMPDIR",
		    s->dir, strerror(errno));
		spool_release(s);
		return RES_FAIL;
	}
	set_limits(s);
	return RES_OK;
}

void spool_release(struct spool *s)
{
	fd_release(&s->fd);
	s->fd = -1;
	free(s->pending);
	s->pending = NULL;
}

static bool is_zero(const char *at, size_t n)
{
	return n == 0 || (at[0] == '\0' && memcmp(at, at + 1, n - 1) == 0);
}

static bool write_at(struct spool *s, const char *at, size_t n, uint64_t off)
{
	unsigned times = 0;

	s->stored += n;
	if (s->stored > s->stored_max) {
		(void)fault_set(&s->why, 0, ENOSPC, 0,
		    "only its first %" PRIu64 " bytes are read: there is no room for more in %s; set TMPDIR",
		    off, s->dir);
		return false;
	}
	while (n > 0) {
		ssize_t done = pwrite(s->fd, at, n, (off_t)off);

		if (done < 0 && again_after(errno, &times))
			continue;
		if (done <= 0) {
			(void)fault_set(&s->why, 0, errno, 0,
			    "only its first %" PRIu64 " bytes are read: %s cannot be written: %s; set TMPDIR",
			    off, s->dir, done < 0 ? strerror(errno) : "no space");
			return false;
		}
		at += done;
		off += (uint64_t)done;
		n -= (size_t)done;
	}
	return true;
}

/* Write the pending blocks; those of zeros are left out. */
static bool write_pending(struct spool *s)
{
	uint64_t off = s->size - s->n_pending;
	size_t from = 0, n = s->n_pending;

	s->n_pending = 0;
	while (from < n) {
		size_t to = from;

		while (to < n && !is_zero(s->pending + to, n - to < BLOCK ? n - to : BLOCK))
			to += n - to < BLOCK ? n - to : BLOCK;
		if (to > from && !write_at(s, s->pending + from, to - from, off + from)) {
			s->size = off + from;
			return false;
		}
		from = to == from ? from + (n - from < BLOCK ? n - from : BLOCK) : to;
	}
	return true;
}

bool spool_put(struct spool *s, const void *bytes, size_t n)
{
	const char *at = bytes;
	bool more = s->size + n > s->size_max;

	if (s->why.text[0] != '\0')
		return false;
	if (more)
		n = (size_t)(s->size_max - s->size);
	while (n > 0) {
		size_t room = PENDING - s->n_pending, take = n < room ? n : room;

		memcpy(s->pending + s->n_pending, at, take);
		s->n_pending += take;
		s->size += take;
		at += take;
		n -= take;
		if (s->n_pending == PENDING && !write_pending(s))
			return false;
	}
	if (more)
		(void)fault_set(&s->why, 0, EFBIG, 0, "only its first %" PRIu64 " bytes are read: %s",
		    s->size_max,
		    s->size_max < SIZE_MAX_CORE ? "no larger file may be written (ulimit -f)"
						: "no core is expected to be larger");
	return !more;
}

bool spool_finish(struct spool *s, int *fd)
{
	bool ok = write_pending(s);

	/* The last bytes may be a hole. */
	if (ftruncate(s->fd, (off_t)s->size) != 0 && s->why.text[0] == '\0')
		(void)fault_set(&s->why, 0, errno, 0, "its end is not read: %s cannot be written: %s", s->dir,
		    strerror(errno));
	*fd = fd_keep(&s->fd);
	return ok && s->why.text[0] == '\0';
}
