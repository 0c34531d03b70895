/* Complete reads and writes of files: EINTR, and results that are short, are handled. */
#ifndef BASE_FILEIO_H
#define BASE_FILEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Read up to n bytes at offset off. Returns the bytes read (fewer than n only at the end of the
 * file or, after some bytes, on an error), or -1 with errno. */
ssize_t fileio_pread(int fd, void *buf, size_t n, uint64_t off);

/* The next two read a file of unknown size, such as those of /proc, from its start. They open it
 * with openat(2), O_RDONLY|O_CLOEXEC|O_NONBLOCK|O_NOCTTY. */

/* The first n - 1 bytes at most, NUL-terminated in buf; n > 0. Returns the bytes read, or -1 with
 * errno; buf may be changed then. */
ssize_t fileio_head(int dirfd, const char *path, char *buf, size_t n);

/* The whole file of at most max bytes. *out is malloc'd, NUL-terminated after its *len bytes.
 * Returns 0, or -1 with errno (EFBIG: larger than max); *out is unchanged then. */
int fileio_slurp(int dirfd, const char *path, size_t max, char **out, size_t *len);

/* Write all n bytes. False with errno: not all were written. */
bool fileio_write(int fd, const void *bytes, size_t n);

/* The message for an errno of opening a file that must be regular (else EINVAL), stored (else
 * ENOTSUP) and, if it has to be copied, small enough (else EFBIG). */
const char *fileio_open_error(int error);

#endif
