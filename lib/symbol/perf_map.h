/* PRIVATE to lib/symbol: names of code in no file, by the file that the program has written for
 * perf(1). Each line is `START SIZE NAME`, the first two hexadecimal. */
#ifndef SYMBOL_PERF_MAP_H
#define SYMBOL_PERF_MAP_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/vec.h"

enum { PERF_MAP_MAX = 64 << 20, PERF_LINES_MAX = 1 << 20, PERF_NAME_MAX = 4095 };

struct perf_line {
	uint64_t start, size;
	const char *name; /* in the text; name_n bytes */
	size_t name_n;
};

/* All zeros: empty. */
struct perf_map {
	bool tried;
	bool certain; /* the program that runs now has written it */
	char *text;   /* owned */
	VEC(struct perf_line) lines;
	struct stat file; /* what was read; with text */
};

/* Read P's file, unless m->tried, or it is as it was when m was read. m is empty afterwards if
 * there is none (RES_NONE), or one that does not count, or is of more than PERF_MAP_MAX bytes
 * or PERF_LINES_MAX lines (RES_FAIL; f says why). */
enum res perf_map_read(struct perf_map *m, struct ps_prochandle *P, struct fault *f);

/* Read the whole file fd into m->text, *n bytes, and forget what m had. RES_NONE: it is empty,
 * or has not changed since m was read, which is left as it was. RES_FAIL: it has more than
 * PERF_MAP_MAX bytes, or cannot be read. */
enum res perf_map_load(struct perf_map *m, int fd, size_t *n, struct fault *f);

/* Add the lines in n bytes of text, which must outlive m. Lines of another form are left out.
 * False: there are more than PERF_LINES_MAX, and m is empty afterwards. */
bool perf_map_parse(struct perf_map *m, const char *text, size_t n);

/* The line that has the address; code may be written again, so the last one counts. NULL: none. */
const struct perf_line *perf_map_at(const struct perf_map *m, uint64_t at);

void perf_map_clear(struct perf_map *m); /* empty afterwards */
void perf_map_free(struct perf_map *m);  /* the same, and not tried */

#endif
