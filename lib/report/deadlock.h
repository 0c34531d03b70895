/* Threads that wait for each other. */
#ifndef REPORT_DEADLOCK_H
#define REPORT_DEADLOCK_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "base/vec.h"
#include "capture/thread_state.h"

/* A thread that waits for what another one holds. */
struct deadlock_wait {
	lwpid_t id, owner;
	uint8_t object; /* enum thread_object; OBJECT_NONE: the GIL */
	uint64_t at;    /* its address; 0: the GIL */
	size_t thread;  /* the caller's number of the thread */
	uint32_t round; /* of the search; 0 at the start */
};
typedef VEC(struct deadlock_wait) deadlock_waits;

/* Add what the thread `thread` with this id and state waits for, if a thread is known to hold it
 * and the wait has no time-out. False: out of memory. */
bool deadlock_add(deadlock_waits *waits, size_t thread, lwpid_t id, const struct thread_state *s);

/* Find a circle of waits that was not found before. Set *out to its members, in order. False: there
 * is no further one, or memory ran out. */
bool deadlock_next(deadlock_waits *waits, deadlock_waits *out);

/* Append the line of a circle. out->failed: out of memory; the line is not in out. */
void deadlock_text(const deadlock_waits *circle, struct strbuf *out);

#endif
