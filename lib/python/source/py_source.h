/* The source of code: lines of the file that co_filename names, read once, through the target's
 * root, from a zip where the module was imported from one.
 *
 *   source_find.c ─┬─ source_read.c: the file, or a member of a zip (source_zip.c)
 *                  ├─ source_text.c: its encoding by PEP 263, its lines
 *                  └─ source_doubt.c: is it what the code came from?
 *
 * A file may be anything: it is bounded, and nothing of it is believed. Nothing is read of the
 * target's memory. */
#ifndef PYTHON_PY_SOURCE_H
#define PYTHON_PY_SOURCE_H

#include <libproc.h>

#include "python/python.h"

enum {
	PY_SOURCE_LINES = 4,         /* of a frame */
	PY_SOURCE_MAX = 16 << 20,    /* bytes of a file */
	PY_SOURCE_TOTAL = 256 << 20, /* of all files */
	PY_SOURCE_FILES = 4096,      /* names of files */
};

struct py_sources;

/* core: the path of the file of core P, NULL: a process, or unknown. NULL: out of memory. P must
 * outlive it. */
struct py_sources *py_sources_create(struct ps_prochandle *P, const char *core);
void py_sources_destroy(struct py_sources *s); /* NULL ok */

/* Why the lines may be others than those that the code came from. */
enum py_source_doubt {
	PY_SOURCE_NEWER = 1,    /* the file was written since the process began, or the core was written */
	PY_SOURCE_RELATIVE = 2, /* its name is relative: it is that in the process's working directory */
	PY_SOURCE_SHORT = 4,    /* it has no such line */
	PY_SOURCE_OTHER = 8,    /* the function does not begin where it did, or the line is shorter */
};

struct py_source_line {
	const char *text; /* mostly UTF-8, without the end of the line; not NUL-terminated */
	size_t n;
};

/* Borrowed from the py_sources. */
struct py_source {
	struct py_source_line at[PY_SOURCE_LINES];
	unsigned n;        /* 0 with PY_SOURCE_SHORT only */
	bool more;         /* the code has further lines */
	bool raw;          /* its encoding is unknown: columns do not count its bytes */
	unsigned doubts;   /* py_source_doubt, or'ed */
	bool contradicted; /* these or other lines, asked for before, had PY_SOURCE_SHORT or _OTHER */
};

/* The lines of a position in the file of code. RES_NONE: it has no file, as code of
 * exec() and frozen modules, or the file cannot be read. RES_FAIL: out of memory. */
enum res py_source_find(
    struct py_sources *s, const struct py_code *code, const struct py_position *at, struct py_source *out);

/* What is to be said of a file. */
struct py_source_remark {
	const char *file; /* as co_filename names it, n bytes */
	size_t n;
	bool core;            /* the process is a core */
	int error;            /* it could not be read: errno; 0: it was */
	const char *encoding; /* unknown, or NULL */
	unsigned doubts;
};

/* The next remark that was not taken yet. False: there is none. */
bool py_sources_remark(struct py_sources *s, struct py_source_remark *out);

/* True if members of zips are read: this was built with minizip. */
bool py_source_reads_zips(void);

#endif
