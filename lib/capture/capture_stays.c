/* Whether an LWP was the same thread all the time.
 *
 * A thread that ends leaves its id of pthread_self(), its stack and the memory of its thread state
 * to the next one, often at once. What was read under one of these after the LWP itself was read is
 * of that LWP only if the LWP still has them. The kernel forgets the list of an LWP's robust
 * mutexes before anyone may learn that it has ended, so who has the list has the stack. */
#include "base/vec.h"
#include "capture/capture.h"
#include "os/lwps.h"

enum { BATCH = 64 };

/* Does LWP l, whose thread pointer is `now`, have the one that it had? One that had a list has lost
 * it while it ends, or while a tracer has not yet waited for it. Where threads have no such list,
 * it must at least exist. */
static bool has_pointer(const struct capture *c, const struct capture_lwp *l, uint64_t now)
{
	char name[sizeof(l->name)];

	if (l->listed || (now != 0 && l->thread_pointer != 0))
		return now == l->thread_pointer;
	return !os_lwp_is_zombie(c->request.live, l->id) &&
	       Plwp_getname(c->request.live, l->id, name, sizeof(name)) == 0;
}

static void check_some(const struct capture *c, struct capture_lwp *const *lwps, size_t n)
{
	lwpid_t ids[BATCH] = { 0 };
	uint64_t now[BATCH];

	for (size_t i = 0; i < n; i++)
		ids[i] = lwps[i]->id;
	os_thread_pointers_again(c->request.live, ids, n, now);
	for (size_t i = 0; i < n; i++)
		lwps[i]->stays = has_pointer(c, lwps[i], now[i]) ? STAYS : STAYS_NOT;
}

bool capture_stays(const struct capture *c, struct capture_lwp *l)
{
	if (c->request.live == NULL)
		return true;
	if (l->stays == STAYS_UNKNOWN)
		check_some(c, &l, 1);
	return l->stays == STAYS;
}

bool capture_owner_stays(const struct capture *c, const struct capture_lwp *l, struct capture_lwp *owner)
{
	return owner->pass <= l->pass && capture_stays(c, owner);
}

void capture_names_check(struct capture *c)
{
	struct capture_lwp *lwps[BATCH];
	size_t n = 0;

	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].about.name != NULL)
			lwps[n++] = &c->lwps.at[i];
		if (n == BATCH || (n != 0 && i + 1 == c->lwps.n)) {
			check_some(c, lwps, n);
			for (size_t k = 0; k < n; k++) {
				if (lwps[k]->stays == STAYS)
					continue;
				lwps[k]->about.name = NULL;
				lwps[k]->about.name_n = 0;
				lwps[k]->about.daemon = false;
			}
			n = 0;
		}
	}
}
