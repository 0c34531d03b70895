/* Keeps the LWPs of a process from sample to sample.
 *
 * The file of an LWP's run count is opened once and read each time: if the count has not
 * changed, the LWP has not run. The descriptor of an LWP that has ended reads nothing, even if
 * its number was reused. So if all known LWPs are there, and the process has as many as before,
 * there is no new one, and they need not be listed. */
#include "capture/lwp_history.h"

#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "os/blocked.h"
#include "os/lwps.h"

enum { LIST_EVERY = 100 }; /* samples: a system may count otherwise */

/* True if l has not run since the last sample. */
static bool still_sleeps(struct capture *c, struct lwp_record *l)
{
	return l->sleeps && os_lwp_still_blocked(c->request.live, l->id, &l->blocked);
}

/* Probe an LWP that has run, or may have. */
static void history_look(struct capture *c, struct lwp_record *l)
{
	enum os_lwp_state seen;

	if (still_sleeps(c, l))
		return;
	l->reported = l->sleeps = false;
	if (!c->request.running_only)
		return; /* the capture probes it */
	seen = os_lwp_probe(c->request.live, l->id, &l->blocked);
	l->sleeps = seen == OS_LWP_BLOCKED;
	l->gone = seen == OS_LWP_GONE;
}

static void history_look_all(struct capture *c)
{
	for (size_t i = 0; i < c->request.history->lwps.n; i++)
		history_look(c, &c->request.history->lwps.at[i]);
}

/* True if no known LWP has ended and there is no new one. */
static bool all_known(const struct capture *c, size_t count)
{
	struct lwp_history *h = c->request.history;

	if (c->request.set != NULL || count == 0 || count != h->lwps.n || h->looks >= LIST_EVERY)
		return false;
	for (size_t i = 0; i < h->lwps.n; i++) {
		if (h->lwps.at[i].gone)
			return false;
	}
	return true;
}

/* Make ids the list of h, and keep the records of LWPs that are still there. */
static enum res history_replace(struct capture *c, const os_lwpids *ids, struct fault *f)
{
	struct lwp_history *h = c->request.history, fresh = { .looks = 0 };

	for (size_t i = 0; i < ids->n; i++) {
		struct lwp_record one = { .id = ids->at[i], .blocked = OS_BLOCKED_INIT };
		uint32_t old;

		if (!proc_lwp_in_set(c->request.set, one.id))
			continue;
		if (!vec_push(&fresh.lwps, one) ||
		    !addrmap_put(&fresh.known, (uint64_t)one.id, (uint32_t)(fresh.lwps.n - 1))) {
			lwp_history_free(&fresh);
			return fault_memory(f);
		}
		if (addrmap_get(&h->known, (uint64_t)one.id, &old) && !h->lwps.at[old].gone) {
			fresh.lwps.at[fresh.lwps.n - 1] = h->lwps.at[old];
			h->lwps.at[old].blocked = (struct os_blocked)OS_BLOCKED_INIT;
		} else {
			fresh.lwps.at[fresh.lwps.n - 1].late = h->lwps.n != 0;
			os_thread_pointers(
			    c->request.live, &one.id, 1, &fresh.lwps.at[fresh.lwps.n - 1].thread_pointer);
			history_look(c, &fresh.lwps.at[fresh.lwps.n - 1]);
		}
	}
	lwp_history_free(h);
	*h = fresh;
	return RES_OK;
}

static enum res history_read(struct capture *c, struct fault *f)
{
	OWNED(os_lwpids_free) os_lwpids ids = VEC_EMPTY;
	enum res res = os_lwp_list(c->request.live, &ids, f);

	return res == RES_OK ? history_replace(c, &ids, f) : res;
}

/* Find the stacks that the handle's mappings lack. */
static void find_stacks(struct capture *c)
{
	struct lwp_history *h = c->request.history;
	uint32_t i;

	capture_stacks_find(c, 0);
	for (size_t k = 0; k < c->lwps.n; k++) {
		const struct capture_lwp *l = &c->lwps.at[k];

		if (l->stack.hi != 0 && addrmap_get(&h->known, (uint64_t)l->id, &i)) {
			h->lwps.at[i].stack = l->stack;
			h->lwps.at[i].late = false;
		}
	}
}

enum res lwp_history_list(struct capture *c, bool *any, struct fault *f)
{
	size_t count = c->request.set == NULL ? os_lwp_count(c->request.live) : 0;
	struct lwp_history *h = c->request.history;

	history_look_all(c);
	h->looks++;
	if (!all_known(c, count) && history_read(c, f) != RES_OK)
		return RES_FAIL;
	*any = false;
	for (size_t i = 0; i < h->lwps.n; i++) {
		struct lwp_record *l = &h->lwps.at[i];
		bool same = l->sleeps && (l->reported || c->request.running_only);
		int64_t at;

		if (l->gone)
			continue;
		/* A new LWP has none for a moment. */
		if (!same && l->thread_pointer == 0)
			os_thread_pointers(c->request.live, &l->id, 1, &l->thread_pointer);
		at = capture_add(c, l->id, l->thread_pointer);
		if (at < 0)
			return fault_memory(f);
		*any |= !same;
		if (same) {
			c->lwps.at[at].state = c->request.running_only ? CAPTURE_ENDED : CAPTURE_SAME;
			continue;
		}
		c->lwps.at[at].stack = l->stack;
		c->lwps.at[at].late = l->late;
		c->lwps.at[at].blocked = l->blocked;
		l->blocked = (struct os_blocked)OS_BLOCKED_INIT;
		l->sleeps = false;
		l->lent = true;
	}
	find_stacks(c);
	return RES_OK;
}

void lwp_history_keep(struct capture *c, struct capture_lwp *l)
{
	struct lwp_history *h = c->request.history;
	struct lwp_record *mine;
	uint32_t i;

	if (!addrmap_get(&h->known, (uint64_t)l->id, &i) || !h->lwps.at[i].lent)
		return;
	mine = &h->lwps.at[i];
	mine->lent = false;
	mine->blocked = l->blocked;
	mine->sleeps = l->known_regs == REGS_PC_SP && l->state == CAPTURE_DONE;
	mine->gone = l->state == CAPTURE_ENDED && !c->request.running_only;
	l->blocked = (struct os_blocked)OS_BLOCKED_INIT;
}

void lwp_history_reported(struct lwp_history *h, lwpid_t id)
{
	uint32_t i;

	if (addrmap_get(&h->known, (uint64_t)id, &i))
		h->lwps.at[i].reported = h->lwps.at[i].sleeps;
}

void lwp_history_free(struct lwp_history *h)
{
	for (size_t i = 0; i < h->lwps.n; i++)
		os_blocked_free(&h->lwps.at[i].blocked);
	vec_free(&h->lwps);
	addrmap_free(&h->known);
	memset(h, 0, sizeof(*h));
}
