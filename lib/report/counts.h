/* Distinct stacks with the number of times each was seen, like DTrace's `@[jstack()] = count()`. */
#ifndef REPORT_COUNTS_H
#define REPORT_COUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addrmap.h"
#include "base/vec.h"
#include "report/record.h"
#include "report/text.h"

enum counts_format {
	COUNTS_TEXT,   /* as DTrace prints an aggregation */
	COUNTS_FOLDED, /* for flame graphs */
	COUNTS_JSON,   /* for programs */
};

struct counted {
	char *text; /* owned */
	uint64_t count;
	size_t order; /* of its first appearance */
};

struct counts {
	enum counts_format format; /* set by the caller at the start, as style */
	struct text_style style;   /* of names */
	VEC(struct counted) at;
	struct addrmap index; /* hash of the text → index */
	bool failed;          /* out of memory: some stacks are missing */
};

/* The text that a stack is counted by, malloc'd: its lines, its folded line, or the member `frames`
 * as JSON. NULL: it is empty, or memory ran out (c->failed). cache: that of the symbolizer and
 * process of t. */
char *counts_text(struct counts *c, const struct record_thread *t, struct text_cache *cache);

/* Add `count` to the count of such a text. Out of memory: c->failed is set. */
void counts_add(struct counts *c, const char *text, uint64_t count);

/* Print the `top` most frequent stacks (0: all), the least frequent first: each after an empty
 * line and before its count, as DTrace prints an aggregation; folded, on one line with its
 * count; or as the line of json_stack. */
void counts_print(struct counts *c, size_t top, FILE *out);

/* Remove all counts, and keep the format and style. */
void counts_clear(struct counts *c);
void counts_free(struct counts *c);

#endif
