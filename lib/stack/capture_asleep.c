/* Capture of an LWP that cannot be held, because another tracer has it or because it sits in an uninterruptible
 * sleep: if it does not run, its memory stands still by itself. Only pc and sp are known of it. */
#include "stack/capture.h"

void capture_asleep_begin(struct ps_prochandle *live, struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->have_regs || os_lwp_asleep(live, l->id, &l->asleep) != RES_OK)
			continue;
		l->regs[R_PC] = (prgreg_t)l->asleep.pc;
		l->regs[R_SP] = (prgreg_t)l->asleep.sp;
		l->have_place = true;
	}
}

size_t capture_asleep_end(struct ps_prochandle *live, struct capture *c)
{
	size_t missed = 0;

	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->have_place) {
			struct capture_lwp before = *l;

			if (!l->python_failed) {
				l->failed = false;
				l->why[0] = '\0'; /* why it could not be held */
			}
			capture_stack(c, l, l->have_python ? c->threads.at[l->thread].thread_id : 0);
			if (!os_lwp_still_asleep(live, l->id, &l->asleep)) {
				*l = before; /* it ran: what was copied is of no one moment */
				l->have_place = false;
			}
		}
		missed += !l->have_regs && !l->have_place;
	}
	return missed;
}
