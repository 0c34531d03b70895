/* PRIVATE to lib/proc: one LWP that is being held, as its tracer sees it. For hold.c, whose rules and table of stops it keeps. */
#ifndef PROC_HOLD_LWP_H
#define PROC_HOLD_LWP_H

#include "proc/live/hold.h"

/* Of a seized one: has it stopped (HOLD_HELD, with registers; HOLD_REFUSED if they are of the wrong width) or ended? Leaves
 * l->state as it is if neither. narrow: its process is an i386 program. */
void hold_lwp_look(struct hold_lwp *l, bool narrow);

/* It has ended. */
void hold_lwp_gone(struct hold_lwp *l);

/* The end of an LWP that we traced is announced to us first, and to its parent only after we took note. */
void hold_lwp_note_end(lwpid_t id);

#endif
