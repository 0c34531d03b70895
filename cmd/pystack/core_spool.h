/* A temporary file for a core that is compressed or comes through a pipe. It has no name, so
 * nothing of it is left when pystack ends in any way. Zeros are holes: they take no space. */
#ifndef PYSTACK_CORE_SPOOL_H
#define PYSTACK_CORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "base/fault.h"

struct spool {
	int fd;
	const char *dir; /* where it is */
	uint64_t size;   /* bytes taken, pending ones included */
	uint64_t stored; /* bytes that take space */
	uint64_t size_max, stored_max;
	char *pending; /* the next bytes of the file, not written yet */
	size_t n_pending;
	struct fault why; /* why no more was taken; its text is "" as long as all was */
};

/* Where it is: $TMPDIR if that is an absolute path, else /var/tmp. The string is not the
 * caller's. */
const char *spool_dir(void);

/* Create it there. It takes 256 GB at most, no more than RLIMIT_FSIZE, and
 * leaves a sixteenth of the free space there. RES_FAIL: see f. */
enum res spool_create(struct spool *s, struct fault *f);
void spool_release(struct spool *s);

/* Append n bytes. False: they are too many, or cannot be written; s->why says so, and what came
 * before stays. */
bool spool_put(struct spool *s, const void *bytes, size_t n);

/* Write what is pending. False: as for spool_put. The caller owns the descriptor *fd. */
bool spool_finish(struct spool *s, int *fd);

#endif
