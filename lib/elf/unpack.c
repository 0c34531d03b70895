/* Decompression of debug information: zlib and zstd in sections (System V ABI, SHF_COMPRESSED), and
 * xz in .gnu_debugdata. */
#include "elf/unpack.h"

#include <stdlib.h>

#ifdef WITH_ZLIB
#include <zlib.h>
#endif
#ifdef WITH_LIBZSTD
#include <zstd.h>
#endif
#ifdef WITH_LIBLZMA
#include <lzma.h>
#endif

#include "base/bound.h"
#include "elf/image.h"

bool unpack_plausible(size_t packed, uint64_t n)
{
	return n <= UNPACK_MAX && (n <= UNPACK_FREE || n / UNPACK_RATIO <= packed);
}

static bool unpack_zlib(struct span packed, void *out, size_t n)
{
#ifdef WITH_ZLIB
	uLongf got = n;

	return uncompress(out, &got, packed.at, span_left(&packed)) == Z_OK && got == n;
#else
	(void)packed;
	(void)out;
	(void)n;
	return false;
#endif
}

static bool unpack_zstd(struct span packed, void *out, size_t n)
{
#ifdef WITH_LIBZSTD
	return ZSTD_decompress(out, n, packed.at, span_left(&packed)) == n;
#else
	(void)packed;
	(void)out;
	(void)n;
	return false;
#endif
}

void *unpack_section(enum unpack_kind kind, struct span packed, uint64_t n)
{
	void *out;
	bool ok;

	if ((kind != UNPACK_ZLIB && kind != UNPACK_ZSTD) || !unpack_plausible(span_left(&packed), n))
		return NULL;
	out = malloc((size_t)n + 1);
	if (out == NULL)
		return NULL;
	ok = kind == UNPACK_ZLIB ? unpack_zlib(packed, out, (size_t)n) : unpack_zstd(packed, out, (size_t)n);
	if (ok)
		return out;
	free(out);
	return NULL;
}

#ifdef WITH_LIBLZMA

/* XZ_MEMORY: more than the largest preset of xz needs to decompress. XZ_PIECE: bytes between two
 * looks at the time. */
enum { XZ_MEMORY = 100 << 20, XZ_FIRST = 64 << 10, XZ_PIECE = 4 << 20 };

/* The largest plausible size of the output of `packed` bytes. */
static size_t xz_limit(size_t packed)
{
	size_t n = packed < UNPACK_MAX / UNPACK_RATIO ? packed * UNPACK_RATIO : UNPACK_MAX;

	return n > UNPACK_FREE ? n : UNPACK_FREE;
}

/* Enlarge the output buffer. False: out of memory, or the output would not be plausible; f says
 * which. */
static bool xz_grow(uint8_t **out, size_t *room, size_t packed, struct fault *f)
{
	size_t want = *room == 0 ? XZ_FIRST : *room * 2, limit = xz_limit(packed);
	uint8_t *more;

	if (*room >= limit) {
		(void)fault_set(f, 0, 0, 0,
		    "it unpacks from %zu bytes to more than %zu, over the limit of %d times its size", packed,
		    limit, UNPACK_RATIO);
		return false;
	}
	want = want < limit ? want : limit;
	more = realloc(*out, want);
	if (more == NULL) {
		(void)fault_memory(f);
		return false;
	}
	*out = more;
	*room = want;
	return true;
}

static const char *xz_error(lzma_ret ret)
{
	switch (ret) {
	case LZMA_MEM_ERROR:
		return "out of memory";
	case LZMA_MEMLIMIT_ERROR:
		return "it takes too much memory to unpack";
	case LZMA_BUF_ERROR:
		return "it is truncated";
	default:
		return "it is damaged, or not in xz";
	}
}

void *unpack_xz(struct span packed, size_t *n, struct fault *f)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	lzma_ret ret = lzma_stream_decoder(&xz, XZ_MEMORY, 0);
	uint8_t *out = NULL;
	size_t room = 0, offered = 0;

	xz.next_in = packed.at;
	xz.avail_in = span_left(&packed);
	while (ret == LZMA_OK) {
		if (xz.avail_out == 0) {
			if (bound_passed(BOUND_FILES)) {
				(void)fault_set(f, 0, 0, 0, "it takes too long to unpack");
				break;
			}
			if (offered == room && !xz_grow(&out, &room, span_left(&packed), f))
				break;
			xz.next_out = out + offered;
			xz.avail_out = room - offered < XZ_PIECE ? room - offered : XZ_PIECE;
			offered += xz.avail_out;
		}
		ret = lzma_code(&xz, LZMA_FINISH);
	}
	if (ret == LZMA_STREAM_END)
		*n = offered - xz.avail_out;
	lzma_end(&xz);
	if (ret == LZMA_STREAM_END)
		return out;
	free(out);
	if (ret != LZMA_OK)
		(void)fault_set(f, 0, 0, 0, "%s", xz_error(ret));
	return NULL;
}

#else

void *unpack_xz(struct span packed, size_t *n, struct fault *f)
{
	(void)packed;
	(void)n;
	(void)fault_set(f, ELF_FAULT_NOT_BUILT, 0, 0, "this pystack was built without liblzma");
	return NULL;
}

#endif
