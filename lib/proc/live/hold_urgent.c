/* sched_setattr(2). */
#include "proc/live/hold_urgent.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLICE_NS = 100 * 1000 }; /* the shortest there is */

static bool set_scheduling(const struct hold_scheduling *s)
{
	return syscall(SYS_sched_setattr, 0, s, 0) == 0;
}

void hold_urgent_begin(struct hold_urgency *u)
{
	struct hold_scheduling urgent = { .size = sizeof(urgent), .policy = SCHED_FIFO, .priority = 1 };

	if (u->on)
		return;
	if (u->was.size == 0 && syscall(SYS_sched_getattr, 0, &u->was, sizeof(u->was), 0) != 0)
		u->was.size = 0;
	if (u->was.size == 0 ||
	    (u->was.policy != SCHED_OTHER && u->was.policy != SCHED_BATCH && u->was.policy != SCHED_IDLE))
		return;
	u->was.size = sizeof(u->was);
	u->on = set_scheduling(&urgent);
	if (u->on || u->was.policy != SCHED_OTHER)
		return;
	urgent = u->was;
	urgent.runtime = SLICE_NS;
	u->on = set_scheduling(&urgent);
}

void hold_urgent_end(struct hold_urgency *u)
{
	if (u->on)
		(void)set_scheduling(&u->was);
	u->on = false;
}
