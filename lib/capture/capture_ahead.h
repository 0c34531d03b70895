/* Looks at LWPs ahead of their capture, in a thread of its own. PRIVATE to lib/capture.
 *
 * For the state and name of an LWP the kernel opens three files, which takes as long as copying
 * its data. With hundreds of LWPs and a second processor, both are done at the same time. The
 * thread that comes to an LWP first looks at it; it waits only for a look that the other thread
 * has begun. */
#ifndef CAPTURE_CAPTURE_AHEAD_H
#define CAPTURE_CAPTURE_AHEAD_H

#include <stdbool.h>

#include "os/blocked.h"

struct capture_ahead;

/* Start for n LWPs, in the order in which they will be captured. live must outlive it. NULL: too
 * few LWPs, no second processor, or no thread. */
struct capture_ahead *capture_ahead_start(struct ps_prochandle *live, const lwpid_t *ids, size_t n);

/* The result of os_lwp_probe for LWP `id`, number i in the order. Each is looked at once. False:
 * the caller must ask os_lwp_probe. */
bool capture_ahead_look(
    struct capture_ahead *a, size_t i, lwpid_t id, enum os_lwp_state *look, struct os_blocked *out);

/* The name of an LWP as Plwp_getname gives it; "" none. Must be called in the order of the LWPs;
 * some may be left out. False: the caller must ask Plwp_getname. */
bool capture_ahead_name(struct capture_ahead *a, lwpid_t id, char *buf, size_t n);

/* End it and discard unused results. NULL ok. */
void capture_ahead_end(struct capture_ahead *a);

#endif
