/* What the system refuses this program: memory, and files that it fails to open or read.
 *
 * The calls themselves are counted, in every layer and every library linked in: the linker
 * redirects them here (--wrap in the Makefile). Code that copes without what was refused need
 * not report it. */
#ifndef PYSTACK_REFUSALS_H
#define PYSTACK_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

/* The number of refusals since the program started. */
uint64_t refusals_count(void);

/* Say on stderr, for the operand as typed, what was refused since the last call. printed: its
 * stacks were printed; the messages then say what may be missing from them. False: nothing was
 * refused. */
bool refusals_warn(const char *operand, bool printed);

#endif
