/* The time that there is for one operand, or for one sample (--timeout). */
#ifndef PYSTACK_BOUNDS_H
#define PYSTACK_BOUNDS_H

#include <stdbool.h>

#include "options.h"

/* From now on there is as much time as opt allows. interruptible: it is over at once if an
 * interrupt comes that is caught (interrupts.h). */
void bounds_begin(const struct options *opt, bool interruptible);

/* From now on there is no limit. True: something was left out since bounds_begin. */
bool bounds_end(void);

/* The same, and say on stderr what was left out, for the operand as typed. */
bool bounds_warn(const char *operand);

#endif
