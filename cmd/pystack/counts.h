/* Distinct stacks and how often each was seen: what `@[jstack()] = count()` is in DTrace. */
#ifndef PYSTACK_COUNTS_H
#define PYSTACK_COUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addrmap.h"
#include "base/vec.h"

struct counted {
	char *text; /* owned */
	uint64_t count;
	size_t order; /* of its first appearance */
};

struct counts {
	bool folded; /* set by the caller, at the beginning */
	VEC(struct counted) at;
	struct addrmap index; /* hash of the text → index */
	bool failed;          /* something was left out for want of memory */
};

/* Count one more stack; a struct stack_text's `take`, data is a struct counts. Folded, a stack is one line for flame graphs: frames
 * from the oldest on, separated by ';', native ones as module`symbol without an offset, Python ones as function
 * (file:line) behind the native frame that runs them. */
void counts_take(void *counts, const char *lines, uint64_t count);

/* Print the `top` most frequent (0: all), the least frequent first, each behind an empty line and before its count, as
 * DTrace prints an aggregation; folded, on one line with its count. */
void counts_print(struct counts *c, size_t top, FILE *out);

void counts_free(struct counts *c);

#endif
