/* Files, and members of zips: `/srv/app.zip/pkg/mod.py` is pkg/mod.py in /srv/app.zip. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "os/source.h"
#include "python/source/source.h"

enum { PIECE = 64 << 10, PARTS = 32 };

/* At most `most` bytes: its size may be wrong, or change. */
static int read_whole(int fd, size_t most, struct strbuf *out)
{
	OWNED(mem_release) char *piece = malloc(PIECE);
	struct stat st;
	ssize_t n;

	if (piece == NULL)
		return ENOMEM;
	if (fstat(fd, &st) == 0 && st.st_size > (off_t)most)
		return EFBIG;
	while ((n = fileio_pread(fd, piece, PIECE, out->n)) > 0) {
		if ((size_t)n > most - out->n)
			return EFBIG;
		strbuf_add(out, piece, (size_t)n);
		if (out->failed)
			return ENOMEM;
	}
	return n < 0 ? errno : 0;
}

/* Some directory of path is a file. */
static int read_member(
    struct ps_prochandle *P, const char *path, size_t most, struct strbuf *out, int64_t *written)
{
	OWNED(mem_release) char *zip = strdup(path);
	OWNED(fd_release) int fd = -1;
	char *slash;

	if (zip == NULL)
		return ENOMEM;
	errno = ENOTDIR;
	for (int i = 0; fd < 0 && i < PARTS && errno == ENOTDIR; i++) {
		slash = strrchr(zip, '/');
		if (slash == NULL || slash == zip)
			return ENOENT;
		*slash = '\0';
		fd = os_open_source(P, zip);
	}
	if (fd < 0)
		return errno;
	*written = os_source_written(fd);
	return source_unzip(fd, path + strlen(zip) + 1, most, out);
}

int source_read(struct ps_prochandle *P, const char *path, size_t most, struct strbuf *out, int64_t *written)
{
	OWNED(fd_release) int fd = os_open_source(P, path);

	if (fd < 0)
		return errno == ENOTDIR ? read_member(P, path, most, out, written) : errno;
	*written = os_source_written(fd);
	return read_whole(fd, most, out);
}
