/* PRIVATE to lib/python/source: a file of source. */
#ifndef PYTHON_SOURCE_SOURCE_H
#define PYTHON_SOURCE_SOURCE_H

#include "base/strbuf.h"
#include "base/vec.h"
#include "python/source/py_source.h"

enum { SOURCE_ENCODING = 40 };

struct source_file {
	char *name; /* co_filename; owned */
	size_t name_n;
	uint64_t hash;                 /* of the name */
	bool tried;                    /* what follows is known */
	int error;                     /* errno; 0: it was read */
	bool relative;                 /* its name is */
	int64_t written;               /* os_source_written of it or of its zip */
	struct strbuf text;            /* UTF-8, as far as its encoding is known */
	VEC(uint32_t) lines;           /* offset of each in text; the last one is the end */
	char unknown[SOURCE_ENCODING]; /* its encoding, if that is not known; "": it is */
	unsigned doubts, told;         /* those found, and those that py_sources_remark has told */
	bool told_error, told_unknown;
};

/* Read the file of a name in the target into out, most bytes at most. Returns 0 or an errno: EFBIG:
 * it is larger. ENOTSUP: it is in a zip, which this build does not read. *written as
 * os_source_written. */
int source_read(struct ps_prochandle *P, const char *path, size_t most, struct strbuf *out, int64_t *written);

/* Read the member `name` of the zip open at fd. Returns 0 or an errno: EILSEQ: it is damaged. */
int source_unzip(int fd, const char *name, size_t most, struct strbuf *out);

/* Make the text of f, which is as in the file, UTF-8, and find its lines. False: out of memory. */
bool source_decode(struct source_file *f);

/* Line number `line`, from 1. False: there is none. */
bool source_line(const struct source_file *f, int32_t line, struct py_source_line *out);

/* True if the text contradicts that the code begins in its first line. */
bool source_contradicts(const struct source_file *f, const struct py_code *code);

#endif
