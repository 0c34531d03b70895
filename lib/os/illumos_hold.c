/* Holding a process on illumos: one stop of the whole process by /proc, which sends no signal and
 * is not visible to a parent that waits.
 *
 * The hold is a grab of its own, in addition to the read-only one that the process is examined
 * through. Prelease lets the process run only if it ran when it was grabbed; if pystack is killed,
 * the system does so (run-on-last-close). A process that pstop(1), a debugger or job control had
 * stopped stays stopped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/vec.h"
#include "os/hold.h"
#include "os/read.h"

struct held_lwp {
	lwpid_t id;
	enum os_hold_state state;
	const char *why;
	prgregset_t regs;
};

struct os_hold {
	const struct os_hold_call *call; /* while os_hold_during lasts */
	int64_t ns;                      /* how long all LWPs stood still */
	int64_t end;                     /* all LWPs stand still: when they have to be let go */
	VEC(struct held_lwp) lwps;
	bool failed; /* out of memory */
};

static int add_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct os_hold *h = data;
	struct held_lwp l = { .id = (lwpid_t)info->pr_lwpid, .state = OS_HELD, .why = "" };

	/* A zombie has no registers. */
	if (status == NULL || !h->call->wants(h->call->data, l.id, h->end))
		return 0;
	if ((status->pr_flags & PR_STOPPED) == 0) {
		l.state = OS_TIMEOUT;
		l.why = "it does not stop: it is in the kernel and cannot be interrupted there";
	}
	memcpy(l.regs, status->pr_reg, sizeof(l.regs));
	h->failed = !vec_push(&h->lwps, l);
	return h->failed;
}

static enum res hold_refused(int code, struct fault *f)
{
	const char *why =
	    code == G_BUSY ? "another program controls it; -F stops it anyway" : Pgrab_error(code);

	return fault_set(f, code, code == G_STRANGE ? errno : 0, 0, "%s", why);
}

/* libproc decides how long Pgrab waits. A stop that does not come in that time stays pending. */
enum res os_hold_during(
    struct ps_prochandle *P, const struct os_hold_call *call, int ms, struct os_hold **h, struct fault *f)
{
	int flags = PGRAB_RETAIN | (call->force ? PGRAB_FORCE : 0);
	enum res res = RES_OK;
	int64_t begin = clock_now_ns();
	struct ps_prochandle *held;
	int code = 0;

	*h = calloc(1, sizeof(**h));
	if (*h == NULL)
		return fault_memory(f);
	(*h)->call = call;
	held = Pgrab(Pstatus(P)->pr_pid, flags, &code);
	(*h)->end = clock_now_ns() + (call->limit_ns != 0 ? call->limit_ns : (int64_t)ms * 1000000);
	if (held == NULL) {
		call->held(call->data, *h);
		return hold_refused(code, f);
	}
	if (!os_same_process(P))
		res = fault_set(f, G_NOPROC, 0, 0, "the process has exited or executed another program");
	else if (Plwp_iter_all(held, add_lwp, *h) != 0)
		res = (*h)->failed ? fault_memory(f)
				   : fault_set(f, G_STRANGE, 0, 0, "its threads cannot be listed");
	if (res != RES_OK)
		(*h)->lwps.n = 0;
	call->held(call->data, *h);
	Prelease(held, PRELEASE_RETAIN);
	(*h)->ns = clock_now_ns() - begin;
	return res;
}

size_t os_hold_count(const struct os_hold *h)
{
	return h->lwps.n;
}

enum os_hold_state os_hold_lwp(
    const struct os_hold *h, size_t i, lwpid_t *id, const prgreg_t **regs, const char **why)
{
	const struct held_lwp *l = &h->lwps.at[i];

	*id = l->id;
	*regs = l->regs;
	*why = l->why;
	return l->state;
}

int64_t os_hold_ns(const struct os_hold *h)
{
	return h->ns;
}

void os_hold_free(struct os_hold *h)
{
	if (h == NULL)
		return;
	vec_free(&h->lwps);
	free(h);
}

int os_hold_waited_ms(struct ps_prochandle *P)
{
	(void)P;
	return 0;
}
