/* PRIVATE to lib/elf: bytes that were packed. Whoever packed them may want to fill the memory: what comes out is bounded
 * by what goes in. Each is there when the build found its library: zlib (WITH_ZLIB), libzstd (WITH_LIBZSTD) and liblzma
 * (WITH_LIBLZMA). */
#ifndef ELF_UNPACK_H
#define ELF_UNPACK_H

#include "base/fault.h"
#include "base/span.h"

enum {
	UNPACK_MAX = 1 << 30,   /* bytes that anything unpacks to */
	UNPACK_FREE = 16 << 20, /* so many are unpacked whatever they are packed in */
	UNPACK_RATIO =
	    64 /* beyond that so many for one; debug information gets to 15, names and symbols to 10 */
};

/* Is it worth believing that `packed` bytes hold n? */
bool unpack_plausible(size_t packed, uint64_t n);

/* How a section is packed: ch_type of its header, the numbers of the ELF ABI. */
enum unpack_kind { UNPACK_ZLIB = 1, UNPACK_ZSTD = 2 };

/* Unpack exactly n bytes into memory that the caller frees. NULL: they are not n, n is not plausible, the packing is
 * broken or not known to this build, no memory. */
void *unpack_section(enum unpack_kind kind, struct span packed, uint64_t n);

/* Unpack an .xz stream, however long it turns out, into *n bytes that the caller frees. NULL as above, and f says why (code ELF_FAULT_NOT_BUILT: this build cannot). */
void *unpack_xz(struct span packed, size_t *n, struct fault *f);

#endif
