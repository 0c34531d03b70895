/* Whether an LWP is still where it was captured: what is read of its process only now belongs to
 * its stack then. */
#include <string.h>

#include "capture/capture.h"
#include "os/blocked.h"

bool capture_is_still(const struct capture *c, lwpid_t id)
{
	struct os_blocked now = OS_BLOCKED_INIT;
	const struct capture_lwp *l;
	uint32_t i;
	bool still;

	if (c->request.live == NULL)
		return true;
	/* Samples of one stack are counted together. */
	if (c->request.recorded || c->request.history != NULL || !addrmap_get(&c->known, (uint64_t)id, &i))
		return false;
	l = &c->lwps.at[i];
	still = os_lwp_probe(c->request.live, id, &now) == OS_LWP_BLOCKED;
	if (l->known_regs == REGS_PC_SP)
		still = still && strcmp(now.count, l->blocked.count) == 0;
	else
		still =
		    still && l->known_regs == REGS_ALL && now.in_call && now.sp == (uint64_t)l->regs[R_SP];
	os_blocked_free(&now);
	return still;
}
