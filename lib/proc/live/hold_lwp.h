/* PRIVATE to lib/proc: one held LWP, as its tracer sees it. Used by hold.c, which has the rules and
 * the table of stops. */
#ifndef PROC_HOLD_LWP_H
#define PROC_HOLD_LWP_H

#include <stdbool.h>

#include "proc/live/hold.h"

/* Set l->state if a seized LWP has stopped (HOLD_HELD with registers; HOLD_REFUSED if they have the
 * wrong width) or ended; else it is unchanged. is_32bit: its process is an i386 program. */
void hold_lwp_look(struct hold_lwp *l, bool is_32bit);

/* Has a seized LWP ended, and not been reaped yet? */
bool hold_lwp_has_ended(lwpid_t id);

/* Record that it has ended, and reap it. */
void hold_lwp_gone(struct hold_lwp *l);

/* Reap a traced LWP that has ended. Its end is reported to the tracer first, and to the parent only
 * after this call. */
void hold_lwp_note_end(lwpid_t id);

#endif
