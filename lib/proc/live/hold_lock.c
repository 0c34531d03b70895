/* The lock is on the inode of /proc/PID/mem, which is the same for all who have it open. */
#include "proc/live/hold_lock.h"

#include <sys/file.h>
#include <time.h>

enum { LOOK_NS = 1000 * 1000 }; /* a hold lasts about this long */

bool hold_turn_take(int mem, int ms)
{
	const struct timespec pause = { 0, LOOK_NS };

	for (int i = 0; flock(mem, LOCK_EX | LOCK_NB) != 0; i++) {
		if (i >= ms)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

void hold_turn_give(int mem)
{
	(void)flock(mem, LOCK_UN);
}
