/* PRIVATE to lib/proc: a lock for holds. A process has one tracer at a time, so two tools must not
 * hold it at the same time. */
#ifndef PROC_HOLD_LOCK_H
#define PROC_HOLD_LOCK_H

#include <stdbool.h>

/* Wait at most ms milliseconds until no other program that uses this lock holds the process whose
 * /proc/PID/mem is open as mem. It is an advisory lock on that file (flock(2)), which only those
 * can open who may also trace the process; it ends with the descriptor, even if the holder is
 * killed. False: the time is over. The hold should be tried nevertheless, though it may be
 * refused. */
bool hold_turn_take(int mem, int ms);
void hold_turn_give(int mem);

#endif
