/* images.h and read.h on Linux, a thin layer over private functions of lib/proc. */
#include "os/arguments.h"
#include "os/images.h"
#include "os/lwps.h"
#include "os/made_code.h"
#include "os/mappings.h"
#include "os/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/fileio.h"
#include "base/hash.h"
#include "base/owned.h"
#include "proc/core/core.h"
#include "proc/core/core_owner.h"
#include "proc/fetch.h"
#include "proc/handle.h"
#include "proc/made_code.h"
#include "proc/live/hold.h"
#include "proc/live/live.h"
#include "proc/objects.h"

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

enum res os_object_bias(struct ps_prochandle *P, uintptr_t addr, uint64_t *bias)
{
	struct proc_objects *o = handle_objects(P);
	struct proc_object *obj = o == NULL ? NULL : objects_at(o, addr);

	return obj == NULL ? RES_NONE : objects_bias(o, obj, bias);
}

enum res os_debug_image(struct ps_prochandle *P, uintptr_t addr, struct elf_image **img)
{
	struct proc_objects *o = handle_objects(P);
	struct proc_object *obj = o == NULL ? NULL : objects_at(o, addr);

	return obj == NULL ? RES_NONE : objects_debug(o, obj, img);
}

enum res os_open_image(struct ps_prochandle *P, const char *path, struct elf_image **img)
{
	struct proc_objects *o = handle_objects(P);
	OWNED(fd_release) int fd = -1;

	if (o == NULL)
		return RES_NONE;
	fd = objects_open_debug(o, path);
	return fd >= 0 && elf_image_open(fd, img, NULL) == RES_OK ? RES_OK : RES_NONE;
}

enum res os_file_bytes(struct ps_prochandle *P, uintptr_t addr, struct span *out)
{
	struct proc_objects *o = handle_objects(P);

	return o == NULL ? RES_NONE : objects_file_bytes(o, addr, out);
}

void os_notices(struct ps_prochandle *P, os_notice_fn *report, void *data)
{
	const struct proc_objects *o = P->objects; /* NULL: not used yet, so there are no notices */
	struct notice silent;

	if (o == NULL)
		return;
	for (size_t i = 0; i < o->notices.n; i++)
		report(data, &o->notices.at[i].what);
	for (size_t i = 0; o->files.unanswered != NULL && o->files.unanswered(o->files.data, i, &silent); i++)
		report(data, &silent);
	for (size_t i = 0; search_unanswered(o->search, i, &silent); i++)
		report(data, &silent);
	if (o->unverified != 0)
		report(data, &(struct notice){ .code = NOTICE_UNVERIFIED,
				 .file = o->first_unverified,
				 .count = { o->unverified - 1 } });
}

lwpid_t os_first_lwp(struct ps_prochandle *P)
{
	return P->illumos ? 1 : (lwpid_t)P->pid;
}

static struct search *images_search(struct ps_prochandle *P)
{
	struct proc_objects *o = handle_objects(P);

	if (o != NULL && o->search == NULL)
		o->search = search_create();
	return o == NULL ? NULL : o->search;
}

enum res os_fetch(struct ps_prochandle *P, os_progress_fn *progress, void *data, struct fault *f)
{
	struct search *s = images_search(P);
	struct fetch *fetch = NULL;

	if (s == NULL)
		return fault_memory(f);
	if (fetch_create(progress, data, &fetch, f) != RES_OK)
		return RES_FAIL;
	search_fetch(s, fetch);
	return RES_OK;
}

bool os_fetch_stopped(struct ps_prochandle *P, int *error)
{
	const struct search *s = P->objects == NULL ? NULL : P->objects->search;

	return s != NULL && search_fetches(s) != NULL && fetch_stopped(search_fetches(s), error);
}

enum res os_search(struct ps_prochandle *P, const char *dir, bool root)
{
	struct search *s = images_search(P);

	if (s == NULL)
		return RES_FAIL;
	return search_add(s, dir, root) ? RES_OK : RES_NONE;
}

int os_open_regular(const char *path)
{
	return core_open_regular(path);
}

void os_core_owner(int fd, uid_t *user, gid_t *group)
{
	(void)core_owner_read(fd, user, group);
}

struct ps_prochandle *os_grab_core(int fd, const char *aout, uid_t user, gid_t group, int *perr)
{
	return core_grab_of(fd, aout, &(struct core_owner){ .user = user, .group = group }, perr);
}

/* A process that ends becomes PS_UNDEAD, at most. */
bool os_is_core(struct ps_prochandle *P)
{
	return P->state == PS_DEAD;
}

bool os_core_cut(struct ps_prochandle *P)
{
	return P->objects != NULL && P->objects->cut;
}

enum res os_arguments(struct ps_prochandle *P, struct strbuf *out)
{
	return P->backend.arguments == NULL ? RES_NONE : P->backend.arguments(P, out, P->data);
}

void os_share_objects(struct ps_prochandle *captured, struct ps_prochandle *live)
{
	hold_share_objects(captured, live);
}

/* A captured handle has its objects itself. */
void os_captured_ops(ps_ops_t *ops)
{
	(void)ops;
}

/* The images belong to the handle. */
void os_release_images(struct ps_prochandle *P)
{
	(void)P;
}

ssize_t os_read(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va)
{
	return handle_read_raw(P, buf, n, va);
}

void os_read_pieces(struct ps_prochandle *P, struct os_piece *pieces, size_t n)
{
	const struct live *live = live_of(P);
	struct live_piece some[LIVE_PIECES];

	for (size_t from = 0; from < n; from += LIVE_PIECES) {
		size_t count = n - from < LIVE_PIECES ? n - from : LIVE_PIECES;

		for (size_t i = 0; i < count; i++) {
			const struct os_piece *p = &pieces[from + i];

			some[i] = (struct live_piece){ p->to, p->n, p->va, 0 };
			if (live == NULL)
				some[i].got = (size_t)handle_read_raw(P, p->to, p->n, p->va);
		}
		if (live != NULL)
			live_read_pieces(live, some, count);
		for (size_t i = 0; i < count; i++)
			pieces[from + i].got = some[i].got;
	}
}

uint64_t os_code_token(struct ps_prochandle *P)
{
	const struct live *live = live_of(P);
	OWNED(mem_release) char *text = NULL;
	size_t n = 0;

	if (live == NULL || fileio_slurp(live->mm_dir, "maps", LIVE_MAPS_MAX, &text, &n) != 0)
		return 0;
	return live_code_token(text, n);
}

uint64_t os_code_token_grabbed(struct ps_prochandle *P)
{
	const struct live *live = live_of(P);

	return live == NULL ? 0 : live->code;
}

bool os_same_process(struct ps_prochandle *P)
{
	const struct live *live = live_of(P);

	return live == NULL || live_same_memory(live);
}

enum res os_made_code(struct ps_prochandle *P, uint64_t addr, struct made_code *out, struct fault *f)
{
	return made_code_at(P, addr, out, f);
}

struct ps_prochandle *os_grab_again(struct ps_prochandle *P, int flags, int *perr)
{
	return live_grab_again(P, flags, perr);
}

ssize_t os_read_same(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va)
{
	const struct live *live = live_of(P);

	return live == NULL ? handle_read_raw(P, buf, n, va) : live_read_same(live, buf, n, va);
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
