/* The names that somebody may have meant by a wrong one. */
#ifndef PROBE_PROBE_NEAR_H
#define PROBE_PROBE_NEAR_H

#include <stddef.h>

#include "base/strbuf.h"

enum {
	PROBE_NEAR = 3,      /* names that are kept */
	PROBE_NEAR_MAX = 63, /* bytes that are compared */
};

struct probe_near {
	const char *wrong;
	const char *part; /* names that contain this are near; probe_near_start sets it to `wrong` */
	size_t skip;      /* leading bytes of each name that are not compared; it sets 0 */
	size_t n;
	const char *names[PROBE_NEAR]; /* nearest first; among equals, the first one added */
	unsigned distance[PROBE_NEAR];
};

/* Start with the wrong name, which the caller keeps. `part` and `skip` may be changed then. */
void probe_near_start(struct probe_near *near, const char *wrong);

/* Consider a name of at least `skip` bytes, which the caller keeps. A name is near if it differs in
 * at most a quarter of the wrong one's letters or contains `part` of at least three letters. A name
 * is kept once. */
void probe_near_add(struct probe_near *near, const char *name);

/* Append a question, `; is it A, B or C?`, or nothing if no name is near. Names that are further
 * than the nearest by two are left out. The names are escaped. */
void probe_near_ask(const struct probe_near *near, struct strbuf *b);

/* Insertions, deletions, changes and exchanges of neighbours that make a into b; the first
 * PROBE_NEAR_MAX bytes of each are compared. */
unsigned probe_near_distance(const char *a, const char *b);

#endif
