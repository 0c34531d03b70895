/* Texts of threads whose stacks stay the same from sample to sample. They are counted by a
 * number, which is added to the counts when the text changes. */
#ifndef PYSTACK_SAMPLE_CACHE_H
#define PYSTACK_SAMPLE_CACHE_H

#include <libproc.h>

#include "base/addrmap.h"
#include "base/vec.h"
#include "report/counts.h"

struct sample_cached {
	lwpid_t id;
	char *text; /* counts_text of its stack, owned; NULL: none */
	uint64_t times;
	uint64_t round; /* in which it was last counted */
};

struct sample_cache {
	VEC(struct sample_cached) at;
	struct addrmap index; /* id → index */
	uint64_t round;
};

/* Count the thread's text again. False: none is kept. */
bool sample_cache_again(struct sample_cache *k, lwpid_t id);

/* Replace the thread's text by this one, seen once, which the cache takes over; the previous
 * text is added to counts. Out of memory: the new text is added to counts at once. */
void sample_cache_put(struct sample_cache *k, lwpid_t id, char *text, struct counts *counts);

/* All `threads` threads of a sample are counted. From time to time the texts of ended threads
 * are added to counts. */
void sample_cache_round(struct sample_cache *k, size_t threads, struct counts *counts);

/* Add all texts to counts, and free them. */
void sample_cache_free(struct sample_cache *k, struct counts *counts);

#endif
