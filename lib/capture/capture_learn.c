/* Pages of variables that held threads will need, read before the hold (capture_locals_learn). */
#include "capture/capture.h"

void capture_locals_learn(struct capture *c, struct snapshot_prefetch *pages)
{
	if (c->locals == NULL)
		return;
	snapshot_forget(c->snapshot);
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->state != CAPTURE_PENDING)
			continue;
		capture_prefetch(c, l, true, pages);
		l->learned = !c->states.stale && !snapshot_prefetch_full(pages);
	}
	snapshot_pages_ready(c->snapshot, pages);
}
