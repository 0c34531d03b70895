/* What is kept of the LWPs of a live process from one sample to the next, so that one that has not run since is not read
 * again: it costs one read of its count. */
#ifndef CAPTURE_LWP_HISTORY_H
#define CAPTURE_LWP_HISTORY_H

#include "base/addrmap.h"
#include "base/vec.h"
#include "capture/capture.h"
#include "os/blocked.h"
#include "os/mappings.h"

struct watched {
	lwpid_t id;
	bool sleeps; /* it was asleep when `asleep` was made */
	bool told;   /* what was captured of it then was asked for */
	bool gone;
	bool lent; /* asleep is the capture's, until watch_keep */
	struct os_asleep asleep;
	uint64_t pointer;      /* its thread pointer; 0 unknown (yet) */
	struct os_range stack; /* as in struct capture_lwp */
	bool late;
};

struct watch {
	VEC(struct watched) lwps;
	struct addrmap known; /* id → index */
	unsigned looks;       /* since the LWPs were listed last */
};

/* Add the LWPs of c->live in `set` to c, which has none and whose watch is set. Pending are those that may run and, unless
 * c->running, those of which nothing is known; others are CAPTURE_SAME, or with c->running CAPTURE_ENDED. *any: some are
 * pending. One that was woken and has not got a processor yet counts as asleep. */
enum res watch_list(struct capture *c, const char *set, bool *any, struct fault *f);

/* Take back the token of l, whose capture is finished. */
void watch_keep(struct capture *c, struct capture_lwp *l);

/* What was captured of that LWP has been asked for: unless it runs, it need not be captured again. */
void watch_told(struct watch *w, lwpid_t id);

void watch_free(struct watch *w);

#endif
