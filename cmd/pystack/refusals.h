/* What the system refuses this program: memory, and files that it fails to open or read.
 *
 * Counted where it happens, at the calls themselves, of whatever layer or library linked in: the linker leads them here
 * (--wrap in the Makefile). So nobody who makes do without what was refused has to hand on that it was. */
#ifndef PYSTACK_REFUSALS_H
#define PYSTACK_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

/* How many there were since the start of the program. */
uint64_t refusals(void);

/* Say on stderr, about the operand arg, what was refused since this was called last, and if stacks are
 * printed what that means for them. False: nothing was. */
bool refusals_tell(const char *arg, bool printed);

#endif
