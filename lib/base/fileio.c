/* Complete reads of files. */
#include "base/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/owned.h"

ssize_t fileio_pread(int fd, void *buf, size_t n, uint64_t off)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(fd, (char *)buf + done, n - done, (off_t)(off + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return done > 0 ? (ssize_t)done : -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static int open_file(int dirfd, const char *path)
{
	return openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* Read until n bytes or the end of the file. */
static ssize_t read_fully(int fd, char *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = read(fd, buf + done, n - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

ssize_t fileio_head(int dirfd, const char *path, char *buf, size_t n)
{
	OWNED(fd_release) int fd = open_file(dirfd, path);
	ssize_t got = fd < 0 ? -1 : read_fully(fd, buf, n - 1);

	if (got >= 0)
		buf[got] = '\0';
	return got;
}

int fileio_slurp(int dirfd, const char *path, size_t max, char **out, size_t *len)
{
	OWNED(fd_release) int fd = open_file(dirfd, path);
	OWNED(mem_release) char *buf = NULL;
	size_t n = 0, cap = 1024;

	if (fd < 0)
		return -1;
	do {
		char *grown;
		ssize_t got;

		cap *= 4;
		grown = realloc(buf, cap);
		if (grown == NULL)
			return -1;
		buf = grown;
		got = read_fully(fd, buf + n, cap - 1 - n);
		if (got < 0)
			return -1;
		n += (size_t)got;
		if (n > max) {
			errno = EFBIG;
			return -1;
		}
	} while (n == cap - 1);
	buf[n] = '\0';
	*len = n;
	*out = mem_keep(&buf);
	return 0;
}
