/* --at: stacks at probes. */
#ifndef PYSTACK_AT_H
#define PYSTACK_AT_H

#include "options.h"
#include "print_target.h"

/* Observe the operands argv[opt->first…argc) at the probes of opt, and print or count. */
enum outcome at_run(int argc, char **argv, const struct options *opt);

/* Print the probes that match opt->list, with the static ones of the Pythons of the operands. */
enum outcome at_list(int argc, char **argv, const struct options *opt);

#endif
