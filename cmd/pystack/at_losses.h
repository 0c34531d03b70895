/* Events that were lost, and what is said of them. */
#ifndef PYSTACK_AT_LOSSES_H
#define PYSTACK_AT_LOSSES_H

#include "options.h"
#include "probe/probe.h"

struct at_losses {
	uint64_t told[PROBE_LOSSES]; /* of those that the program counts */
	uint64_t unknown;            /* events whose stack has not arrived, or could not be read */
	uint64_t untested;           /* events whose condition could not be decided */
	bool clocks;                 /* what clocks have missed was said */
	bool any;                    /* something was said */
};

/* Say what was lost since the last call. unread: why stacks could not be read; NULL: all could. */
void at_losses_warn(
    struct at_losses *l, struct probe_session *session, const struct options *opt, const char *unread);

#endif
