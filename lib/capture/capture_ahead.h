/* Looking at LWPs ahead of their capture, in a thread of its own. PRIVATE to the capture.
 *
 * To see where an LWP stands and what it is called the kernel opens three files for each, which takes as long as to copy what
 * there is of it. Where there are hundreds of them and a second processor, the one is done while the other is. Whoever comes to an
 * LWP first looks at it: none of the two waits, but for a look that the other has begun. */
#ifndef CAPTURE_CAPTURE_AHEAD_H
#define CAPTURE_CAPTURE_AHEAD_H

#include <stdbool.h>

#include "os/blocked.h"

struct capture_ahead;

/* Begin with n LWPs, in the order in which they will be captured. NULL: it is not worth it, or cannot be; live must outlive
 * it. */
struct capture_ahead *capture_ahead_start(struct ps_prochandle *live, const lwpid_t *ids, size_t n);

/* What os_lwp_look says, or has said, of LWP `id`, number i in the order. Each is looked at once. False: ask os_lwp_look. */
bool capture_ahead_look(
    struct capture_ahead *a, size_t i, lwpid_t id, enum os_look *look, struct os_asleep *out);

/* The name of an LWP as Plwp_getname gives it, "" none. They are to be asked for in their order; some may be left out. False: ask
 * Plwp_getname. */
bool capture_ahead_name(struct capture_ahead *a, lwpid_t id, char *buf, size_t n);

/* End it; what nobody has asked for is forgotten. NULL ok. */
void capture_ahead_end(struct capture_ahead *a);

#endif
