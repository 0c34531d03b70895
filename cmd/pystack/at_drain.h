/* The end of a measurement: what was captured is read. */
#ifndef PYSTACK_AT_DRAIN_H
#define PYSTACK_AT_DRAIN_H

#include "probe/probe.h"

/* Hand what waits to be read to `reader`; after a signal for some seconds, and the rest to
 * `dropping`. */
enum res at_drain(struct probe_session *session, const struct probe_reader *reader,
    const struct probe_reader *dropping, struct fault *f);

/* Set *f to why something was dropped. */
void at_drain_fault(struct fault *f);

#endif
