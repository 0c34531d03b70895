/* Records from text: stacks printed by pystack, dtrace or bpftrace, line by line.
 *
 *   pystack           14 spaces and a frame, 16 and an annotation; header lines begin in column
 *                     one; a line that says what the thread does may follow, and is left out
 *   dtrace, ustack()  the same, after an empty line; aggregated, before a line with the count
 *   bpftrace          spaces and `symbol+decimal`; aggregated, between "@[" and "]: count" */
#ifndef REPORT_PARSE_H
#define REPORT_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "report/record.h"

struct parse {
	/* Called for each stack, with its count. Its items are valid during the call. */
	void (*take)(void *data, const struct record_thread *stack, uint64_t count);
	void *data;
	bool headed;                  /* the line before began in column one */
	struct strbuf text;           /* of the stack being read */
	VEC(struct parse_line) lines; /* in text */
	bool failed;                  /* out of memory: some stacks are missing */
};

struct parse_line {
	size_t at, n; /* in text */
	bool python;
};

/* Parse the next line, n bytes without the '\n'; this, or '\0', must follow them in memory. A stack
 * is a run of indented lines that look like frames, remarks in parentheses or annotations; any
 * other line ends it. A number alone on the next line, or after "]: ", is its count; else it counts
 * once. Control characters and invalid UTF-8 in a stack are escaped. */
void parse_line(struct parse *p, const char *line, size_t n);

/* There are no more lines. Frees the members of p; p->failed stays. */
void parse_finish(struct parse *p);

#endif
