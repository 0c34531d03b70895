/* Stacks out of text: what pystack, dtrace and bpftrace print, line by line. */
#ifndef PYSTACK_STACK_TEXT_H
#define PYSTACK_STACK_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

struct stack_text {
	/* One stack: its lines, youngest frame first, each ended by '\n' and indented as pystack does; how often. */
	void (*take)(void *data, const char *lines, uint64_t count);
	void *data;
	uint64_t times;      /* what each count is multiplied by; 0 is 1 */
	struct strbuf lines; /* of the stack being read */
	bool failed;         /* there was no memory for one, which was left out */
};

/* The next line of n bytes, without its '\n'. A stack is a run of indented lines that look like frames, notes in
 * parentheses or annotations; a blank line, or one of any other look, ends it. A number alone on the line after it, or
 * behind "]: ", is its count; else it counts once. */
void stack_text_line(struct stack_text *t, const char *line, size_t n);

/* All lines of a text, which is taken apart. */
void stack_text_lines(struct stack_text *t, char *text);

/* There are no more lines. False: out of memory, something was left out. */
bool stack_text_end(struct stack_text *t);

#endif
