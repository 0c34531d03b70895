/* The LWPs of a process, sample after sample.
 *
 * An LWP's directory entry is opened once and its count read each time: a count that has not changed is that of an LWP that
 * has not run. A descriptor of an LWP that has ended reads nothing, whoever has its number by now: so where all are there
 * and the process has as many as before, none was born, and they need not be listed. */
#include "capture/lwp_history.h"

#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "os/blocked.h"
#include "os/lwps.h"

enum { LIST_EVERY = 100 }; /* looks, whatever the number of LWPs says: a system may count otherwise */

static void lwpids_release(os_lwpids *v)
{
	vec_free(v);
}

/* Has it not run since the last look? */
static bool sleeps_on(struct capture *c, struct watched *l)
{
	return l->sleeps && os_lwp_still_asleep(c->live, l->id, &l->asleep);
}

/* A look at one that has run, or may have. */
static void look(struct capture *c, struct watched *l)
{
	enum os_look seen;

	if (sleeps_on(c, l))
		return;
	l->told = l->sleeps = false;
	if (!c->running)
		return; /* who captures it looks */
	seen = os_lwp_look(c->live, l->id, &l->asleep);
	l->sleeps = seen == OS_LOOK_ASLEEP;
	l->gone = seen == OS_LOOK_GONE;
}

static void look_at_all(struct capture *c)
{
	for (size_t i = 0; i < c->watch->lwps.n; i++)
		look(c, &c->watch->lwps.at[i]);
}

/* Is none missing, and none new? */
static bool all_known(struct capture *c, const char *set, size_t count)
{
	struct watch *w = c->watch;

	if (set != NULL || count == 0 || count != w->lwps.n || w->looks >= LIST_EVERY)
		return false;
	for (size_t i = 0; i < w->lwps.n; i++) {
		if (w->lwps.at[i].gone)
			return false;
	}
	return true;
}

/* Make w's list that of ids. What was known of those that are still there stays. */
static enum res take_over(struct capture *c, const os_lwpids *ids, const char *set, struct fault *f)
{
	struct watch *w = c->watch, fresh = { .looks = 0 };

	for (size_t i = 0; i < ids->n; i++) {
		struct watched one = { .id = ids->at[i], .asleep = OS_ASLEEP_NEW };
		uint32_t old;

		if (!proc_lwp_in_set(set, one.id))
			continue;
		if (!vec_push(&fresh.lwps, one) ||
		    !addrmap_put(&fresh.known, (uint64_t)one.id, (uint32_t)(fresh.lwps.n - 1))) {
			watch_free(&fresh);
			return fault_memory(f);
		}
		if (addrmap_get(&w->known, (uint64_t)one.id, &old) && !w->lwps.at[old].gone) {
			fresh.lwps.at[fresh.lwps.n - 1] = w->lwps.at[old];
			w->lwps.at[old].asleep = (struct os_asleep)OS_ASLEEP_NEW;
		} else {
			fresh.lwps.at[fresh.lwps.n - 1].late = w->lwps.n != 0;
			os_thread_pointers(c->live, &one.id, 1, &fresh.lwps.at[fresh.lwps.n - 1].pointer);
			look(c, &fresh.lwps.at[fresh.lwps.n - 1]);
		}
	}
	watch_free(w);
	*w = fresh;
	return RES_OK;
}

static enum res list(struct capture *c, const char *set, struct fault *f)
{
	OWNED(lwpids_release) os_lwpids ids = VEC_EMPTY;
	enum res res = os_lwp_list(c->live, &ids, f);

	return res == RES_OK ? take_over(c, &ids, set, f) : res;
}

/* Of those that the handle's mappings do not know. */
static void find_stacks(struct capture *c)
{
	struct watch *w = c->watch;
	uint32_t i;

	capture_stacks_find(c, 0);
	for (size_t k = 0; k < c->lwps.n; k++) {
		const struct capture_lwp *l = &c->lwps.at[k];

		if (l->stack.hi != 0 && addrmap_get(&w->known, (uint64_t)l->id, &i)) {
			w->lwps.at[i].stack = l->stack;
			w->lwps.at[i].late = false;
		}
	}
}

enum res watch_list(struct capture *c, const char *set, bool *any, struct fault *f)
{
	size_t count = set == NULL ? os_lwp_count(c->live) : 0;
	struct watch *w = c->watch;

	look_at_all(c);
	w->looks++;
	if (!all_known(c, set, count) && list(c, set, f) != RES_OK)
		return RES_FAIL;
	*any = false;
	for (size_t i = 0; i < w->lwps.n; i++) {
		struct watched *l = &w->lwps.at[i];
		bool same = l->sleeps && (l->told || c->running);
		int64_t at;

		if (l->gone)
			continue;
		/* A newborn one has none for a moment. */
		if (!same && l->pointer == 0)
			os_thread_pointers(c->live, &l->id, 1, &l->pointer);
		at = capture_add(c, l->id, l->pointer);
		if (at < 0)
			return fault_memory(f);
		*any |= !same;
		if (same) {
			c->lwps.at[at].state = c->running ? CAPTURE_ENDED : CAPTURE_SAME;
			continue;
		}
		c->lwps.at[at].stack = l->stack;
		c->lwps.at[at].late = l->late;
		c->lwps.at[at].asleep = l->asleep;
		l->asleep = (struct os_asleep)OS_ASLEEP_NEW;
		l->sleeps = false;
		l->lent = true;
	}
	find_stacks(c);
	return RES_OK;
}

void watch_keep(struct capture *c, struct capture_lwp *l)
{
	struct watch *w = c->watch;
	struct watched *mine;
	uint32_t i;

	if (!addrmap_get(&w->known, (uint64_t)l->id, &i) || !w->lwps.at[i].lent)
		return;
	mine = &w->lwps.at[i];
	mine->lent = false;
	mine->asleep = l->asleep;
	mine->sleeps = l->known_regs == REGS_PC_SP && l->state == CAPTURE_DONE;
	mine->gone = l->state == CAPTURE_ENDED && !c->running;
	l->asleep = (struct os_asleep)OS_ASLEEP_NEW;
}

void watch_told(struct watch *w, lwpid_t id)
{
	uint32_t i;

	if (addrmap_get(&w->known, (uint64_t)id, &i))
		w->lwps.at[i].told = w->lwps.at[i].sleeps;
}

void watch_free(struct watch *w)
{
	for (size_t i = 0; i < w->lwps.n; i++)
		os_asleep_end(&w->lwps.at[i].asleep);
	vec_free(&w->lwps);
	addrmap_free(&w->known);
	memset(w, 0, sizeof(*w));
}
