/* Stopping LWPs for a moment. linux_hold.c over proc/live/hold.h, illumos_hold.c. */
#ifndef OS_HOLD_H
#define OS_HOLD_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct os_hold;
enum os_hold_state { OS_HELD, OS_GONE, OS_REFUSED, OS_TIMEOUT }; /* see proc/live/hold.h */

struct os_hold_call {
	/* end: 0, or LWPs stand still already, and wants() has to answer by then (CLOCK_MONOTONIC,
	 * ns). */
	bool (*wants)(void *data, lwpid_t id, int64_t end);
	void (*held)(void *data, const struct os_hold *h);
	void *data;
	bool force;       /* even if another program controls the process, where the system allows it */
	int64_t limit_ns; /* longest wait for the other LWPs once the first has stopped; 0: ms */
};

/* Hold the LWPs that wants() selects, new ones too, and wait at most ms milliseconds for them to
 * stop. With all of them stopped call held(), then let them go: the last one stopped first. Another
 * thread than the caller's may call either function; the caller waits for it. RES_FAIL: LWPs
 * were selected, and none could be held; f says why, and held() was called nevertheless. *h is set
 * also on RES_FAIL (NULL only if memory is exhausted); the caller frees it with os_hold_free in any
 * case. */
enum res os_hold_during(
    struct ps_prochandle *P, const struct os_hold_call *call, int ms, struct os_hold **h, struct fault *f);

/* The number of LWPs that were selected. */
size_t os_hold_count(const struct os_hold *h);

/* The state of the i-th LWP. regs and why (a phrase; "": none) point into h. */
enum os_hold_state os_hold_lwp(
    const struct os_hold *h, size_t i, lwpid_t *id, const prgreg_t **regs, const char **why);

/* How long LWPs were held, in ns: at most this, from before the first stop until after the last
 * release. 0: none was. */
int64_t os_hold_ns(const struct os_hold *h);

/* NULL ok. */
void os_hold_free(struct os_hold *h);

/* How long P has waited in vain for its turn, which another tool or program did not give up, before
 * it held LWPs nevertheless; ms. */
int os_hold_waited_ms(struct ps_prochandle *P);

#endif
