/* Records out of text: stacks that pystack, dtrace or bpftrace have printed, line by line.
 *
 *   pystack           14 spaces and a frame, 16 and an annotation; header lines begin in column one
 *   dtrace, ustack()  the same, with an empty line before; aggregated, a line with the count after it
 *   bpftrace          blanks and `symbol+decimal`; aggregated, between "@[" and "]: count" */
#ifndef REPORT_PARSE_H
#define REPORT_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "report/record.h"

struct parse {
	/* Called for each stack, with the number of times it was counted. Its items are quotations, valid
	 * during the call. */
	void (*take)(void *data, const struct record_thread *stack, uint64_t count);
	void *data;
	struct strbuf text;           /* of the stack being read */
	VEC(struct parse_line) lines; /* in text */
	bool failed;                  /* something was left out for lack of memory */
};

struct parse_line {
	size_t at, n; /* in text */
	bool python;
};

/* The next line of n bytes, without its '\n'. A stack is a run of indented lines that look like frames,
 * remarks in parentheses or annotations; a blank line, or one of any other look, ends it. A number alone
 * on the line after it, or after "]: ", is its count; else it counts once. */
void parse_line(struct parse *p, const char *line, size_t n);

/* There are no more lines; frees what p has. p->failed stays. */
void parse_finish(struct parse *p);

#endif
