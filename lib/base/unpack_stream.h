/* Decompression of whole files, such as cores, piece by piece. Each format needs its library at
 * build time: zlib (WITH_ZLIB), liblzma (WITH_LIBLZMA), libzstd (WITH_LIBZSTD), liblz4
 * (WITH_LIBLZ4). These libraries parse hostile data: run them in a confined process. */
#ifndef BASE_UNPACK_STREAM_H
#define BASE_UNPACK_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum stream_format { STREAM_NONE, STREAM_GZIP, STREAM_XZ, STREAM_ZSTD, STREAM_LZ4, STREAM_FORMATS };

enum { STREAM_MAGIC = 6 }; /* bytes that identify a format */

/* The format of a file that begins with these n bytes; STREAM_NONE: none of them. */
enum stream_format stream_format_of(const void *head, size_t n);

/* Its name ("zstd"), and that of its library ("libzstd"). */
const char *stream_name(enum stream_format format);
const char *stream_library(enum stream_format format);

/* True if this build has the library. */
bool stream_is_built(enum stream_format format);

enum stream_end {
	STREAM_WHOLE,     /* all of it was decompressed */
	STREAM_CUT,       /* its end is missing */
	STREAM_DAMAGED,   /* it is damaged, or something else follows its end */
	STREAM_NO_MEMORY, /* it needs more memory than there is, or than STREAM_MEMORY */
	STREAM_REFUSED,   /* put() has failed, or the format is not built in */
};

#define STREAM_MEMORY ((uint64_t)2 << 30) /* zstd --ultra --long=31 needs as much */

struct stream_sink {
	/* Takes the next n bytes of output. False: no more is wanted. */
	bool (*put)(void *data, const void *bytes, size_t n);
	void *data;
	volatile uint64_t *taken; /* set to the bytes of input used so far; may be NULL */
};

/* Decompress, and pass the output to sink, until the input ends or is damaged. Consecutive streams
 * are decompressed as one. */
enum stream_end stream_unpack(enum stream_format format, struct span packed, const struct stream_sink *sink);

#endif
