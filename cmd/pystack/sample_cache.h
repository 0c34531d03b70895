/* Texts of threads that stay the same from sample to sample: counted by a number, and added to the
 * counts when they change. */
#ifndef PYSTACK_SAMPLE_CACHE_H
#define PYSTACK_SAMPLE_CACHE_H

#include <libproc.h>

#include "base/addrmap.h"
#include "base/vec.h"
#include "report/counts.h"

struct sample_cached {
	lwpid_t id;
	char *text; /* what its stack is counted by (counts_text), owned; NULL: it has none */
	uint64_t times;
	uint64_t round; /* in which it was counted last */
};

struct sample_cache {
	VEC(struct sample_cached) at;
	struct addrmap index; /* id → index */
	uint64_t round;
};

/* The thread's text is seen once more. False: there is none for it. */
bool sample_cache_again(struct sample_cache *k, lwpid_t id);

/* A thread has this text (taken over) from now on, seen once; what it had is added to counts. Without memory
 * the text is added at once. */
void sample_cache_put(struct sample_cache *k, lwpid_t id, char *text, struct counts *counts);

/* The threads of a sample are all counted: `threads` of them. Those that have ended are added to counts,
 * now and then. */
void sample_cache_round(struct sample_cache *k, size_t threads, struct counts *counts);

/* Add all to counts, and forget them. */
void sample_cache_free(struct sample_cache *k, struct counts *counts);

#endif
