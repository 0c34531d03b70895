/* PRIVATE to lib/elf: decompression. A hostile file may try to exhaust memory, so the size of the
 * input limits that of the output. Each method needs its library at build time: zlib (WITH_ZLIB),
 * libzstd (WITH_LIBZSTD), liblzma (WITH_LIBLZMA). */
#ifndef ELF_UNPACK_H
#define ELF_UNPACK_H

#include "base/fault.h"
#include "base/span.h"

enum {
	UNPACK_MAX = 1 << 30,   /* most bytes of any output */
	UNPACK_FREE = 16 << 20, /* output of this size is always plausible */
	/* Larger output has at most so many bytes for one of the input. Debug information has up to
	 * 15, names and symbols up to 10. */
	UNPACK_RATIO = 64
};

/* True if it is plausible that `packed` bytes decompress to n. */
bool unpack_plausible(size_t packed, uint64_t n);

/* The method of a compressed section: ch_type of its header, with the numbers of the ELF ABI. */
enum unpack_kind { UNPACK_ZLIB = 1, UNPACK_ZSTD = 2 };

/* Decompress to exactly n bytes, in memory that the caller frees. NULL: the size is not n, n is not
 * plausible, the input is damaged, this build lacks the method, or memory is exhausted. */
void *unpack_section(enum unpack_kind kind, struct span packed, uint64_t n);

/* Decompress an .xz stream of unknown size to *n bytes, which the caller frees. NULL: as above, or
 * there is no time left (base/bound.h); f says why (code ELF_FAULT_NOT_BUILT: this build lacks
 * liblzma). */
void *unpack_xz(struct span packed, size_t *n, struct fault *f);

#endif
