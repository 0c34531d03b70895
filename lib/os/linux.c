/* target_os.h on Linux: a thin layer over what lib/proc keeps private. */
#include "os/target_os.h"

#include <stdlib.h>
#include <string.h>

#include "proc/handle.h"
#include "proc/hold.h"
#include "proc/live.h"
#include "proc/objects.h"

struct os_hold {
	struct hold hold;
};

enum res os_object_image(struct ps_prochandle *P, uintptr_t addr, struct elf_image **img, uint64_t *bias)
{
	struct proc_objects *o = handle_objects(P);
	struct proc_object *obj = o == NULL ? NULL : objects_at(o, addr);
	enum res r = obj == NULL ? RES_NONE : objects_image(o, obj);

	if (r == RES_OK) {
		*img = obj->image;
		*bias = obj->bias;
	}
	return r;
}

enum res os_file_bytes(struct ps_prochandle *P, uintptr_t addr, struct span *out)
{
	struct proc_objects *o = handle_objects(P);

	return o == NULL ? RES_NONE : objects_file_bytes(o, addr, out);
}

void os_notices(struct ps_prochandle *P, void (*tell)(void *data, const char *text, bool failed), void *data)
{
	const struct proc_objects *o = P->objects; /* never asked for: nothing to tell */

	for (size_t i = 0; o != NULL && i < o->notices.n; i++)
		tell(data, o->notices.at[i].text, o->notices.at[i].failed);
}

enum res os_hold_lwps(struct ps_prochandle *P, const char *set, int ms, struct os_hold **h, struct fault *f)
{
	*h = calloc(1, sizeof(**h));
	if (*h == NULL)
		return fault_memory(f);
	return hold_lwps(P, set, ms, &(*h)->hold, f);
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

void os_hold_release(struct os_hold *h)
{
	hold_release(&h->hold);
}

void os_hold_free(struct os_hold *h)
{
	if (h == NULL)
		return;
	hold_free(&h->hold);
	free(h);
}

void os_share_objects(struct ps_prochandle *captured, struct ps_prochandle *live)
{
	hold_share_objects(captured, live);
}

ssize_t os_read(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va)
{
	return handle_read_raw(P, buf, n, va);
}

lwpid_t os_inner_lwpid(struct ps_prochandle *P, lwpid_t id)
{
	const struct live *live = live_of(P);
	struct live_status status;
	char path[LIVE_PATH];

	if (live == NULL)
		return id;
	live_lwp_path(path, id, "status");
	if (live_status_read(live->dir, path, &status, NULL) != RES_OK || status.inner == 0)
		return id;
	return status.inner;
}
