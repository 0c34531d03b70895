/* What is kept of the LWPs of a live process from one sample to the next. An LWP that has not
 * run since is not read again: that costs one read of its run count. */
#ifndef CAPTURE_LWP_HISTORY_H
#define CAPTURE_LWP_HISTORY_H

#include "base/addrmap.h"
#include "base/vec.h"
#include "capture/capture.h"
#include "os/blocked.h"
#include "os/mappings.h"

struct lwp_record {
	lwpid_t id;
	bool sleeps;   /* it was blocked or stopped when `blocked` was made */
	bool reported; /* its capture of that time was used */
	bool gone;
	bool lent; /* the capture owns blocked until lwp_history_keep */
	struct os_blocked blocked;
	uint64_t thread_pointer; /* 0 unknown (yet) */
	struct os_range stack;   /* as in struct capture_lwp */
	bool late;
};

struct lwp_history {
	VEC(struct lwp_record) lwps;
	struct addrmap known; /* id → index */
	unsigned looks;       /* since the last list of LWPs */
};

/* Add the LWPs of c->request to c, which must have none; the request must have a history. LWPs
 * that may run are pending and, unless running_only, those of which nothing is known. Others are
 * CAPTURE_SAME, or CAPTURE_ENDED with running_only. *any: some are pending. An LWP that was
 * woken but has no processor yet counts as blocked. */
enum res lwp_history_list(struct capture *c, bool *any, struct fault *f);

/* Take back the run count of l, whose capture is finished. */
void lwp_history_keep(struct capture *c, struct capture_lwp *l);

/* The capture of that LWP was used: unless it runs, it need not be captured again. */
void lwp_history_reported(struct lwp_history *h, lwpid_t id);

/* Close the files of all LWPs, and free the list. */
void lwp_history_free(struct lwp_history *h);

#endif
