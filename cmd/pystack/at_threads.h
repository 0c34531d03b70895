/* PID/LWPS with --at. */
#ifndef PYSTACK_AT_THREADS_H
#define PYSTACK_AT_THREADS_H

#include <stdbool.h>

#include "probe/probe.h"

/* Set *out to the ranges of a set of threads that proc_arg_xgrab has accepted. False: there are
 * more than PROBE_RANGES. */
bool at_threads_parse(const char *set, struct probe_threads *out);

#endif
