/* PRIVATE to lib/proc: priority of the thread that holds others, so that it does not wait for a
 * processor while they are stopped. */
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
	struct hold_scheduling was; /* scheduling of this thread; size 0: not read yet */
	bool on;
};

/* Run the calling thread before all threads that are not real-time, at the lowest real-time
 * priority. Without the right to do so, shorten its wait for the processor (a short slice, Linux
 * 6.12). Does nothing to a thread that is real-time or urgent already. */
void hold_urgent_begin(struct hold_urgency *u);

/* Restore the scheduling before hold_urgent_begin. */
void hold_urgent_end(struct hold_urgency *u);

#endif
