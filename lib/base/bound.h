/* The time that a program has for one target.
 *
 * What may take long for a target that is large, damaged or hostile asks now and then whether that
 * time is over, and then leaves out the rest of its work, with a mark.
 *
 * A program that sets such a time defines its own function, which the linker uses instead (COUNTED
 * in the Makefile). */
#ifndef BASE_BOUND_H
#define BASE_BOUND_H

#include <stdbool.h>

/* What is left out. */
enum bound_part {
	BOUND_STACKS, /* threads, or frames of their stacks */
	BOUND_LINES,  /* lines of Python frames */
	BOUND_VALUES, /* values of variables */
	BOUND_NAMES,  /* names of functions, and their source lines */
	BOUND_FILES,  /* debug files */
	BOUND_PARTS
};

/* True if the time is over: the caller leaves out `part`. Costs a reading of the clock. Always
 * false unless the program replaces it. Any thread may call it. */
bool bound_passed(enum bound_part part);

#endif
