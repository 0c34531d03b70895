/* A member of a zip, by minizip. It reads the file through functions of ours, never by its name. */
#include <errno.h>

#include "python/source/source.h"

#ifdef WITH_MINIZIP
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unzip.h>

#include "base/fileio.h"
#include "base/owned.h"

enum {
	PIECE = 64 << 10,
	EXACT_NAME = 1,
	READ_MAX = 64 << 20, /* bytes of a zip: its directory, and a member */
};

struct zip {
	int fd; /* the caller's */
	uint64_t at, size;
	uint64_t piece_at; /* of the file, what piece holds */
	size_t piece_n;
	uint64_t read; /* bytes, READ_MAX at most */
	char piece[PIECE];
};

static voidpf open_zip(voidpf opaque, const void *name, int mode)
{
	(void)name;
	(void)mode;
	return opaque;
}

/* Make piece hold what is at z->at. False: it cannot be read, or too much was. */
static bool fill_piece(struct zip *z)
{
	ssize_t got;

	if (z->at >= z->piece_at && z->at - z->piece_at < z->piece_n)
		return true;
	got = z->read > READ_MAX ? 0 : fileio_pread(z->fd, z->piece, PIECE, z->at);
	z->piece_at = z->at;
	z->piece_n = got > 0 ? (size_t)got : 0;
	z->read += z->piece_n;
	return got > 0;
}

/* minizip reads numbers byte by byte. */
static uLong read_zip(voidpf opaque, voidpf stream, void *buf, uLong n)
{
	struct zip *z = stream;
	uLong done = 0;

	(void)opaque;
	while (done < n && fill_piece(z)) {
		size_t from = (size_t)(z->at - z->piece_at), some = z->piece_n - from;

		some = some < n - done ? some : n - done;
		memcpy((char *)buf + done, z->piece + from, some);
		z->at += some;
		done += some;
	}
	return done;
}

static uLong write_zip(voidpf opaque, voidpf stream, const void *buf, uLong n)
{
	(void)opaque;
	(void)stream;
	(void)buf;
	(void)n;
	return 0;
}

static ZPOS64_T tell_zip(voidpf opaque, voidpf stream)
{
	(void)opaque;
	return ((const struct zip *)stream)->at;
}

static long seek_zip(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin)
{
	struct zip *z = stream;
	uint64_t from = origin == ZLIB_FILEFUNC_SEEK_CUR   ? z->at
			: origin == ZLIB_FILEFUNC_SEEK_END ? z->size
							   : 0;

	(void)opaque;
	if (offset > z->size || from > z->size - offset)
		return -1;
	z->at = from + offset;
	return 0;
}

static int close_zip(voidpf opaque, voidpf stream)
{
	(void)opaque;
	(void)stream;
	return 0;
}

static void unzip_release(unzFile *file)
{
	if (*file != NULL)
		(void)unzClose(*file);
}

/* The current member, which is open. */
static int read_current(unzFile file, size_t most, struct strbuf *out)
{
	OWNED(mem_release) char *piece = malloc(PIECE);
	unz_file_info64 info;
	int n;

	if (piece == NULL)
		return ENOMEM;
	if (unzGetCurrentFileInfo64(file, &info, NULL, 0, NULL, 0, NULL, 0) != UNZ_OK)
		return EILSEQ;
	while ((n = unzReadCurrentFile(file, piece, PIECE)) > 0) {
		if ((size_t)n > most - out->n)
			return EFBIG;
		strbuf_add(out, piece, (size_t)n);
		if (out->failed)
			return ENOMEM;
	}
	/* minizip takes the end of the file for the end of the member, without its checksum. */
	return n < 0 || out->n != info.uncompressed_size ? EILSEQ : 0;
}

int source_unzip(int fd, const char *name, size_t most, struct strbuf *out)
{
	OWNED(mem_release) struct zip *z = calloc(1, sizeof(*z));
	zlib_filefunc64_def functions = { open_zip, read_zip, write_zip, tell_zip, seek_zip, close_zip,
		close_zip, z };
	OWNED(unzip_release) unzFile file = NULL;
	struct stat st;
	int error;

	if (z == NULL)
		return ENOMEM;
	if (fstat(fd, &st) != 0)
		return errno;
	z->fd = fd;
	z->size = (uint64_t)st.st_size;
	file = unzOpen2_64("", &functions);
	if (file == NULL)
		return ENOTDIR; /* it is no zip */
	if (unzLocateFile(file, name, EXACT_NAME) != UNZ_OK)
		return z->read > READ_MAX ? EFBIG : ENOENT;
	if (unzOpenCurrentFile(file) != UNZ_OK)
		return EILSEQ;
	error = read_current(file, most, out);
	/* It knows the checksum. */
	return unzCloseCurrentFile(file) != UNZ_OK && error == 0 ? EILSEQ : error;
}

bool py_source_reads_zips(void)
{
	return true;
}
#else
int source_unzip(int fd, const char *name, size_t most, struct strbuf *out)
{
	(void)fd;
	(void)name;
	(void)most;
	(void)out;
	return ENOTSUP;
}

bool py_source_reads_zips(void)
{
	return false;
}
#endif
