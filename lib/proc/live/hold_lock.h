/* Taking turns: a process has one tracer at a time, so two tools that hold the same one must not meet.
 * PRIVATE to lib/proc. */
#ifndef PROC_HOLD_LOCK_H
#define PROC_HOLD_LOCK_H

#include <stdbool.h>

/* Wait at most ms milliseconds until no other program that asks here holds the process whose /proc directory
 * is open as dir. An advisory lock on that directory (flock(2)): it ends with the descriptor, so also when
 * the holder is killed. False: it gave up; the hold is to be tried all the same, and may be refused. */
bool hold_turn_take(int dir, int ms);
void hold_turn_give(int dir);

#endif
