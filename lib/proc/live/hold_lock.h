/* PRIVATE to lib/proc: a lock for holds. A process has one tracer at a time, so two tools must not
 * hold it at the same time. */
#ifndef PROC_HOLD_LOCK_H
#define PROC_HOLD_LOCK_H

#include <stdbool.h>

/* Wait at most ms milliseconds until no other program that uses this lock holds the process whose
 * /proc directory is open as dir. It is an advisory lock on that directory (flock(2)), which ends
 * with the descriptor, even if the holder is killed. False: the time is over. The hold should be
 * tried nevertheless, though it may be refused. */
bool hold_turn_take(int dir, int ms);
void hold_turn_give(int dir);

#endif
