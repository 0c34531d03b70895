/* Capture by PTRACE_SEIZE: every LWP of the set is stopped, copied and let go. Threads that were blocked
 * in the kernel are woken by it, and some system calls then return EINTR (poll and read do not,
 * epoll_wait does); that is the price of this method, and the reason for others. */
#include "stack/capture.h"

#include <stdio.h>

#include "base/owned.h"
#include "os/target_os.h"

enum { WAIT_MS = 1000 }; /* for all LWPs together; only one in an uninterruptible sleep takes that long */

static void hold_done(struct os_hold **h)
{
	os_hold_free(*h);
}

static bool add(struct capture *c, const struct os_hold *h, size_t i)
{
	struct capture_lwp l = { 0 };
	const prgreg_t *regs = NULL;
	const char *why = "";
	enum os_hold_state state = os_hold_lwp(h, i, &l.id, &regs, &why);

	if (state == OS_GONE)
		return true;
	if (state == OS_HELD) {
		for (int r = 0; r < NPRGREG; r++)
			l.regs[r] = regs[r];
		l.have_regs = true;
	} else {
		l.failed = true;
		(void)snprintf(l.why, sizeof(l.why), "%s", why);
	}
	return vec_push(&c->lwps, l);
}

/* Kernel names, one file each: after the hold. */
static void name_all(struct ps_prochandle *live, struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (Plwp_getname(live, l->id, l->name, sizeof(l->name)) != 0)
			l->name[0] = '\0';
	}
}

enum res capture_seized(struct ps_prochandle *live, const char *set, struct capture *c, struct fault *f)
{
	OWNED(hold_done) struct os_hold *h = NULL;
	size_t missed;

	/* Those that cannot be held may be had asleep, and their Python frames in any case. */
	(void)os_hold_lwps(live, set, WAIT_MS, &h, &c->not_held);
	for (size_t i = 0; h != NULL && i < os_hold_count(h); i++) {
		if (!add(c, h, i))
			return fault_memory(f);
	}
	capture_asleep_begin(live, c);
	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].have_regs)
			capture_stack(c, &c->lwps.at[i], os_fsbase(c->lwps.at[i].regs));
	}
	capture_python(live, c);
	missed = capture_asleep_end(live, c);
	if (h != NULL)
		os_hold_release(h);
	snapshot_seal(c->snapshot);
	if (c->lwps.n == 0 || (c->py == NULL && missed == c->lwps.n))
		return fault_set(f, c->not_held.code, c->not_held.sys, 0, "%s", c->not_held.text);
	if (missed == 0)
		c->not_held.text[0] = '\0';
	if (c->lwps.n > 1 || set != NULL)
		name_all(live, c);
	return RES_OK;
}
