/* Stacks at off-cpu that wait for the GIL, and who holds it. */
#ifndef PYSTACK_AT_GIL_H
#define PYSTACK_AT_GIL_H

#include "base/addrmap.h"
#include "base/vec.h"
#include "probe/probe_abi.h"
#include "report/counts.h"

struct known_stack;

/* What has been printed of the waits by a stack with each holder. Zero at the start. */
struct at_gil {
	VEC(struct at_gil_printed {
		struct probe_held held;
		struct probe_count printed;
	})
	at;
	struct addrmap by_hash; /* of `held` → index in `at` */
};

/* What has been printed of these. NULL: out of memory. */
struct probe_count *at_gil_printed(struct at_gil *x, const struct probe_held *held);
void at_gil_free(struct at_gil *x);

/* Add the line about the wait to the text of s, in front of its last n bytes. False: out of
 * memory. */
bool at_gil_mark(struct known_stack *s, size_t n, enum counts_format format);

/* The text of s if this thread held the GIL, malloc'd. NULL: out of memory. */
char *at_gil_text(const struct known_stack *s, uint32_t holder, enum counts_format format);

#endif
