/* -i in the kernel: nothing is stopped. */
#ifndef PYSTACK_AT_SAMPLE_H
#define PYSTACK_AT_SAMPLE_H

#include "operand.h"
#include "options.h"
#include "print_target.h"
#include "report/counts.h"

/* As sample_process(). False: it cannot be done in the kernel, and *why says why; nothing was
 * printed. */
bool at_sample(const struct operand *o, const struct options *opt, struct counts *counts,
    enum outcome *outcome, struct fault *why);

#endif
