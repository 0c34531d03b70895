/* Reading files completely, over EINTR and short reads. */
#ifndef BASE_FILEIO_H
#define BASE_FILEIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Up to n bytes at offset off. Returns the bytes read (short only at end of file), -1 with errno. */
ssize_t fileio_pread(int fd, void *buf, size_t n, uint64_t off);

/* A whole file of unknown size (such as those of /proc), at most max bytes, by openat(2) with
 * O_RDONLY|O_CLOEXEC|O_NONBLOCK|O_NOCTTY. *out is malloc'd, NUL-terminated after its *len bytes.
 * Returns 0, or -1 with errno (EFBIG over max); *out is unchanged then. */
int fileio_slurp(int dirfd, const char *path, size_t max, char **out, size_t *len);

#endif
