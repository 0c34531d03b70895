/* A line on the terminal while a large file is read. */
#ifndef PYSTACK_CORE_PROGRESS_H
#define PYSTACK_CORE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *name;
	int64_t began, last; /* clock_now_ms(); last: 0: no line is printed yet */
	bool on;             /* standard error is a terminal */
};

/* Begin; nothing is printed yet. name: what the line begins with, valid as long as *p. */
void progress_begin(struct progress *p, const char *name);

/* made: bytes so far; of `all` input bytes `taken` are used, and all is 0 if it is unknown. Prints
 * nothing in the first second. */
void progress_show(struct progress *p, uint64_t made, uint64_t taken, uint64_t all);

/* Remove the line. */
void progress_end(struct progress *p);

#endif
