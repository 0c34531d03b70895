/* Interrupted system calls. */
#ifndef BASE_AGAIN_H
#define BASE_AGAIN_H

#include <errno.h>
#include <stdbool.h>

/* True if a call that has failed with `error` was interrupted and is to be made again. *times
 * counts the interruptions, from 0: after a hundred the caller gives up. */
static inline bool again_after(int error, unsigned *times)
{
	enum { AGAIN_MAX = 100 };

	return error == EINTR && ++*times <= AGAIN_MAX;
}

#endif
