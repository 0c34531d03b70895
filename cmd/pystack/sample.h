/* Stacks of a process at intervals. */
#ifndef PYSTACK_SAMPLE_H
#define PYSTACK_SAMPLE_H

#include <libproc.h>

#include "print_target.h"
#include "options.h"
#include "report/counts.h"

/* Count the stacks of live P, which was grabbed for o, every opt->interval_ns, until the
 * duration or the number of samples is reached, SIGINT or SIGTERM arrives, or the process is
 * gone. Warnings go to stderr. */
enum outcome sample_process(
    struct ps_prochandle *P, const struct operand *o, const struct options *opt, struct counts *counts);

#endif
