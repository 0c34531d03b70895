/* Text on standard output. */
#ifndef PYSTACK_REPORT_H
#define PYSTACK_REPORT_H

#include <stdio.h>

#include "base/addrmap.h"
#include "base/strbuf.h"
#include "options.h"
#include "stack/stack.h"

struct report_line {
	char *text; /* with its newline */
	size_t n;
};

struct report {
	FILE *out;
	const struct options *opt;
	const struct stack_target *target;
	struct strbuf line;
	/* Lines made once: threads of a pool wait in the same place. By pc, and by code object and line. */
	struct addrmap by_pc, by_place;
	VEC(struct report_line) lines;
	size_t kept; /* bytes of them */
	bool lost;   /* out did not take everything */
};

/* `pid:\tpsargs`, or for a core `core 'NAME' of pid:\tpsargs` and what killed it. arg: as typed,
 * without its set of LWPs; NULL for a process. */
void report_process(struct report *r, struct ps_prochandle *P, const char *core);

/* One thread: its header if the process has several, then its frames. False: something of what was asked for could not be
 * had, as a line of it says. */
bool report_thread(struct report *r, const struct stack_thread *th, bool header);

void report_end(struct report *r); /* frees what r owns */

#endif
