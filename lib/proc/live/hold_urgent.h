/* PRIVATE to lib/proc: the thread that holds others must not wait for a processor behind busy neighbours. */
#ifndef PROC_HOLD_URGENT_H
#define PROC_HOLD_URGENT_H

#include <stdbool.h>
#include <stdint.h>

/* Linux include/uapi/linux/sched/types.h, struct sched_attr, first version. */
struct hold_scheduling {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

struct hold_urgency {
	struct hold_scheduling was; /* of this thread; size 0: not asked yet */
	bool on;
};

/* Have the calling thread run before all that is not real-time, at the lowest of those priorities; without the right to do
 * so, have it wait less for its turn (a short slice, Linux 6.12). Does nothing to one that is real-time, or urgent already. */
void hold_urgent_begin(struct hold_urgency *u);

/* As it was. */
void hold_urgent_end(struct hold_urgency *u);

#endif
