/* Stacks of a process at intervals. */
#ifndef PYSTACK_SAMPLE_H
#define PYSTACK_SAMPLE_H

#include <libproc.h>

#include "print_target.h"
#include "options.h"
#include "report/counts.h"

/* Count the stacks of live P every opt->interval_ns, until its duration or number of samples is reached, SIGINT or SIGTERM comes, or
 * the process is gone. arg: the operand as typed, lwps its set or NULL. What goes wrong is told on stderr. */
enum outcome sample(struct ps_prochandle *P, const char *arg, const char *lwps, const struct options *opt,
    struct counts *counts);

#endif
