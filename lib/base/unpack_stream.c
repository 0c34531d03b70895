/* Formats: RFC 1952 (gzip), "The .xz File Format", RFC 8878 (zstd), "LZ4 Frame Format
 * Description". */
#include "base/unpack_stream.h"

#include <stdlib.h>
#include <string.h>

#ifdef WITH_ZLIB
#include <zlib.h>
#endif
#ifdef WITH_LIBZSTD
#include <zstd.h>
#endif
#ifdef WITH_LIBLZMA
#include <lzma.h>
#endif
#ifdef WITH_LIBLZ4
#include <lz4frame.h>
#endif

#include "base/owned.h"

enum { PIECE = 1 << 17 };

/* Input is handed over in pieces, too, so that sink->taken moves. */
struct unpacking {
	const struct stream_sink *sink;
	struct span in;
	uint64_t taken;
	char out[PIECE];
};

/* A build without libraries calls neither. */
__attribute__((unused)) static size_t next_piece(struct unpacking *u)
{
	size_t left = span_left(&u->in);

	return left < PIECE ? left : PIECE;
}

__attribute__((unused)) static bool put_output(struct unpacking *u, size_t n, size_t used)
{
	(void)span_skip(&u->in, used);
	u->taken += used;
	if (u->sink->taken != NULL)
		*u->sink->taken = u->taken;
	return n == 0 || u->sink->put(u->sink->data, u->out, n);
}

typedef enum stream_end unpack_fn(struct unpacking *u);

#ifdef WITH_ZLIB
static enum stream_end gzip_end(int ret)
{
	return ret == Z_MEM_ERROR ? STREAM_NO_MEMORY : STREAM_DAMAGED;
}

static enum stream_end gzip_run(struct unpacking *u, z_stream *z)
{
	int ret = Z_OK;

	for (;;) {
		size_t n = next_piece(u);

		if (ret == Z_STREAM_END && (n == 0 || inflateReset(z) != Z_OK))
			return n == 0 ? STREAM_WHOLE : STREAM_DAMAGED;
		z->next_in = (Bytef *)(uintptr_t)u->in.at;
		z->avail_in = (uInt)n;
		z->next_out = (Bytef *)u->out;
		z->avail_out = PIECE;
		ret = inflate(z, Z_NO_FLUSH);
		if (!put_output(u, PIECE - z->avail_out, n - z->avail_in))
			return STREAM_REFUSED;
		/* Z_BUF_ERROR: nothing could be done. */
		if (ret == Z_BUF_ERROR)
			return STREAM_CUT;
		if (ret != Z_OK && ret != Z_STREAM_END)
			return gzip_end(ret);
	}
}

static enum stream_end gzip_unpack(struct unpacking *u)
{
	enum { GZIP_WINDOW = 15 + 16 }; /* the largest; 16: with gzip's header */
	z_stream z = { .next_in = NULL };
	enum stream_end end;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return STREAM_NO_MEMORY;
	end = gzip_run(u, &z);
	(void)inflateEnd(&z);
	return end;
}
#else
#define gzip_unpack NULL
#endif

#ifdef WITH_LIBLZMA
static enum stream_end xz_end(lzma_ret ret)
{
	switch (ret) {
	case LZMA_STREAM_END:
		return STREAM_WHOLE;
	case LZMA_BUF_ERROR:
		return STREAM_CUT;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return STREAM_NO_MEMORY;
	default:
		return STREAM_DAMAGED;
	}
}

static enum stream_end xz_unpack(struct unpacking *u)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	lzma_ret ret = lzma_stream_decoder(&xz, STREAM_MEMORY, LZMA_CONCATENATED);
	bool taken = true;

	while (ret == LZMA_OK && taken) {
		size_t n = next_piece(u);

		xz.next_in = u->in.at;
		xz.avail_in = n;
		xz.next_out = (uint8_t *)u->out;
		xz.avail_out = PIECE;
		ret = lzma_code(&xz, n == span_left(&u->in) ? LZMA_FINISH : LZMA_RUN);
		taken = put_output(u, PIECE - xz.avail_out, n - xz.avail_in);
	}
	lzma_end(&xz);
	return taken ? xz_end(ret) : STREAM_REFUSED;
}
#else
#define xz_unpack NULL
#endif

#ifdef WITH_LIBZSTD
static enum stream_end zstd_run(struct unpacking *u, ZSTD_DCtx *zstd)
{
	size_t more = 1; /* 0: a frame is complete, and its output taken */

	for (;;) {
		ZSTD_inBuffer in = { u->in.at, next_piece(u), 0 };
		ZSTD_outBuffer out = { u->out, PIECE, 0 };

		if (in.size == 0 && more == 0)
			return STREAM_WHOLE;
		more = ZSTD_decompressStream(zstd, &out, &in);
		if (!put_output(u, out.pos, in.pos))
			return STREAM_REFUSED;
		if (ZSTD_isError(more))
			return STREAM_DAMAGED;
		if (in.pos == 0 && out.pos == 0 && in.size == 0)
			return more == 0 ? STREAM_WHOLE : STREAM_CUT;
	}
}

static enum stream_end zstd_unpack(struct unpacking *u)
{
	enum { WINDOW_LOG = 31 };
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	enum stream_end end;

	if (zstd == NULL)
		return STREAM_NO_MEMORY;
	(void)ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
	end = zstd_run(u, zstd);
	(void)ZSTD_freeDCtx(zstd);
	return end;
}
#else
#define zstd_unpack NULL
#endif

#ifdef WITH_LIBLZ4
static enum stream_end lz4_run(struct unpacking *u, LZ4F_dctx *lz4)
{
	size_t more = 1; /* 0: a frame is complete */

	for (;;) {
		size_t n = next_piece(u), used = n, made = PIECE;

		if (n == 0 && more == 0)
			return STREAM_WHOLE;
		more = LZ4F_decompress(lz4, u->out, &made, u->in.at, &used, NULL);
		if (LZ4F_isError(more))
			return STREAM_DAMAGED;
		if (!put_output(u, made, used))
			return STREAM_REFUSED;
		if (made == 0 && used == 0 && n == 0)
			return more == 0 ? STREAM_WHOLE : STREAM_CUT;
		if (made == 0 && used == 0)
			return STREAM_DAMAGED;
	}
}

static enum stream_end lz4_unpack(struct unpacking *u)
{
	LZ4F_dctx *lz4 = NULL;
	enum stream_end end;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)))
		return STREAM_NO_MEMORY;
	end = lz4_run(u, lz4);
	(void)LZ4F_freeDecompressionContext(lz4);
	return end;
}
#else
#define lz4_unpack NULL
#endif

static const struct {
	const char *name, *library;
	const char *magic;
	size_t n;
	unpack_fn *unpack; /* NULL: not built in */
} formats[STREAM_FORMATS] = {
	[STREAM_GZIP] = { "gzip", "zlib", "\x1f\x8b", 2, gzip_unpack },
	[STREAM_XZ] = { "xz", "liblzma",
	    "\xfd"
	    "7zXZ",
	    6, xz_unpack },
	[STREAM_ZSTD] = { "zstd", "libzstd", "\x28\xb5\x2f\xfd", 4, zstd_unpack },
	[STREAM_LZ4] = { "lz4", "liblz4", "\x04\x22\x4d\x18", 4, lz4_unpack },
};

enum stream_format stream_format_of(const void *head, size_t n)
{
	for (enum stream_format i = STREAM_GZIP; i < STREAM_FORMATS; i++) {
		if (n >= formats[i].n && memcmp(head, formats[i].magic, formats[i].n) == 0)
			return i;
	}
	return STREAM_NONE;
}

const char *stream_name(enum stream_format format)
{
	return formats[format].name;
}

const char *stream_library(enum stream_format format)
{
	return formats[format].library;
}

bool stream_is_built(enum stream_format format)
{
	return formats[format].unpack != NULL;
}

enum stream_end stream_unpack(enum stream_format format, struct span packed, const struct stream_sink *sink)
{
	OWNED(mem_release) struct unpacking *u = NULL;

	if (!stream_is_built(format))
		return STREAM_REFUSED;
	u = malloc(sizeof(*u));
	if (u == NULL)
		return STREAM_NO_MEMORY;
	*u = (struct unpacking){ .sink = sink, .in = packed };
	return formats[format].unpack(u);
}
