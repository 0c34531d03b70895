/* Texts of threads that stay the same from sample to sample: counted by a number, and taken apart once. */
#ifndef PYSTACK_KEPT_H
#define PYSTACK_KEPT_H

#include <libproc.h>

#include "base/addrmap.h"
#include "base/vec.h"
#include "stack_text.h"

struct kept_text {
	lwpid_t id;
	char *text; /* owned: a thread's header and its stack */
	uint64_t times;
	uint64_t round; /* in which it was counted last */
};

struct kept {
	VEC(struct kept_text) at;
	struct addrmap index; /* id → index */
	uint64_t round;
};

/* One thread's text is seen once more. False: there is none for it. */
bool kept_again(struct kept *k, lwpid_t id);

/* A thread has this text (malloc'd; taken over) from now on, seen once; what it had is given to `to`. False: no memory, and
 * the text was given to `to` at once. */
bool kept_put(struct kept *k, lwpid_t id, char *text, struct stack_text *to);

/* The threads of a sample are all counted: `threads` of them. Those that are no more are given to `to`, now and then. */
void kept_round(struct kept *k, size_t threads, struct stack_text *to);

/* Give all to `to`, and forget them. */
void kept_end(struct kept *k, struct stack_text *to);

#endif
