/* What is summed instead of counted (--sum). */
#ifndef PYSTACK_AT_SUM_H
#define PYSTACK_AT_SUM_H

#include "at_probes.h"

/* Find what `text` names at each probe; NULL: nothing is summed. False: a message was printed. */
bool at_sum_find(struct at_probes *p, const char *text);

/* True if a time is summed at the probe of this key. */
bool at_sum_is_time(const struct at_probes *p, const struct probe_key *key);

/* The name of the static probe at which calls begin whose duration is summed at probe i; NULL: it
 * is none. */
const char *at_sum_begin(const struct at_probes *p, size_t i);

#endif
