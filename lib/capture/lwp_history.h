/* What is kept of the LWPs of a live process from one sample to the next, so that one that has not run since is not read
 * again: it costs one read of its count. */
#ifndef CAPTURE_LWP_HISTORY_H
#define CAPTURE_LWP_HISTORY_H

#include "base/addrmap.h"
#include "base/vec.h"
#include "capture/capture.h"
#include "os/blocked.h"
#include "os/mappings.h"

struct lwp_record {
	lwpid_t id;
	bool sleeps;   /* it was asleep when `asleep` was made */
	bool reported; /* what was captured of it then was asked for */
	bool gone;
	bool lent; /* asleep is the capture's, until lwp_history_keep */
	struct os_asleep asleep;
	uint64_t thread_pointer; /* its thread pointer; 0 unknown (yet) */
	struct os_range stack;   /* as in struct capture_lwp */
	bool late;
};

struct lwp_history {
	VEC(struct lwp_record) lwps;
	struct addrmap known; /* id → index */
	unsigned looks;       /* since the LWPs were listed last */
};

/* Add the LWPs of c->request to c, which has none; the request must have a history. Pending are those that may run and,
 * unless running_only, those of which nothing is known; others are CAPTURE_SAME, with running_only CAPTURE_ENDED. *any: some
 * are pending. An LWP that was woken and has no processor yet counts as asleep. */
enum res lwp_history_list(struct capture *c, bool *any, struct fault *f);

/* Take back the token of l, whose capture is finished. */
void lwp_history_keep(struct capture *c, struct capture_lwp *l);

/* What was captured of that LWP has been asked for: unless it runs, it need not be captured again. */
void lwp_history_reported(struct lwp_history *h, lwpid_t id);

void lwp_history_free(struct lwp_history *h);

#endif
