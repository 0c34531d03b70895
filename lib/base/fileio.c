/* Whole-file reads. */
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

int fileio_slurp(int dirfd, const char *path, size_t max, char **out, size_t *len)
{
	OWNED(fd_release) int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	OWNED(mem_release) char *buf = NULL;
	size_t n = 0, cap = 4096;

	if (fd < 0)
		return -1;
	buf = malloc(cap);
	if (buf == NULL)
		return -1;
	for (;;) {
		ssize_t got = read(fd, buf + n, cap - 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > max) {
			errno = EFBIG;
			return -1;
		}
		if (n == cap - 1) {
			char *grown = realloc(buf, cap * 4);

			if (grown == NULL)
				return -1;
			buf = grown;
			cap *= 4;
		}
	}
	buf[n] = '\0';
	*len = n;
	*out = mem_keep(&buf);
	return 0;
}
