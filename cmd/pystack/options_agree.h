/* Which options go together. */
#ifndef PYSTACK_OPTIONS_AGREE_H
#define PYSTACK_OPTIONS_AGREE_H

#include "options.h"

/* Why the options do not fit together, or not the number of operands: a sentence for the user.
 * NULL: they do. "": neither an operand nor an option says what is to be examined. */
const char *options_conflict(const struct options *o, int operands);

#endif
