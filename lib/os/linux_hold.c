/* hold.h on Linux, over proc/live/hold.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/calls.h"
#include "os/hold.h"
#include "os/regs.h"
#include "proc/live/hold.h"
#include "proc/live/live.h"
#include "proc/syscall.h"

struct os_hold {
	struct hold hold;
	const struct os_hold_call *call; /* while os_hold_during lasts */
};

static bool call_wants(void *data, lwpid_t id, int64_t end)
{
	const struct os_hold *h = data;

	return h->call->wants(h->call->data, id, end);
}

static void call_held(void *data, const struct hold *hold)
{
	const struct os_hold *h = data;

	(void)hold; /* equals &h->hold */
	h->call->held(h->call->data, h);
}

enum res os_hold_during(
    struct ps_prochandle *P, const struct os_hold_call *call, int ms, struct os_hold **h, struct fault *f)
{
	struct hold_call inner = { .wants = call_wants, .held = call_held, .limit_ns = call->limit_ns };

	*h = calloc(1, sizeof(**h));
	if (*h == NULL)
		return fault_memory(f);
	(*h)->call = call;
	inner.data = *h;
	return hold_during(P, &inner, ms, &(*h)->hold, f);
}

size_t os_hold_count(const struct os_hold *h)
{
	return h->hold.lwps.n;
}

enum os_hold_state os_hold_lwp(
    const struct os_hold *h, size_t i, lwpid_t *id, const prgreg_t **regs, const char **why)
{
	static const enum os_hold_state states[] = {
		[HOLD_HELD] = OS_HELD,
		[HOLD_GONE] = OS_GONE,
		[HOLD_REFUSED] = OS_REFUSED,
		[HOLD_TIMEOUT] = OS_TIMEOUT,
	};
	const struct hold_lwp *l = &h->hold.lwps.at[i];

	*id = l->id;
	*regs = l->regs;
	*why = l->why;
	return states[l->state];
}

int64_t os_hold_ns(const struct os_hold *h)
{
	return h->hold.held_ns;
}

void os_hold_call_of(struct ps_prochandle *P, const struct os_hold *h, size_t i, struct os_call *out)
{
	const struct hold_lwp *l = &h->hold.lwps.at[i];
	const struct arch *arch = os_arch(P);
	const uint8_t *prgreg = arch->system->prgreg;
	lwpstatus_t status = { 0 };

	memcpy(status.pr_reg, l->regs, sizeof(status.pr_reg));
	syscall_note(arch, &status, l->syscall);
	os_status_call(&status, out);
	/* The hold itself has interrupted calls that the kernel does not resume (epoll_wait). */
	if (out->number < 0 && l->syscall >= 0 && syscall_result(arch, l->regs) == -EINTR) {
		out->number = (int32_t)l->syscall;
		for (int k = 0; k < ARCH_ARGS; k++)
			out->args[k] = (uint64_t)l->regs[prgreg[arch->args[k]]];
	}
}

void os_hold_free(struct os_hold *h)
{
	if (h == NULL)
		return;
	hold_free(&h->hold);
	free(h);
}

int os_hold_waited_ms(struct ps_prochandle *P)
{
	const struct live *live = live_of(P);

	return live == NULL ? 0 : live->turn_ms;
}
