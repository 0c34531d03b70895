/* The LWPs of a process, from two lists of the backend joined by id.
 *
 *   pop_lpsinfo   ┌ header │ lwpsinfo 1 │ lwpsinfo 2 (exited) │ lwpsinfo 3 │ …
 *   pop_lstatus   └ header │ lwpstatus 1              │ lwpstatus 3 │ …
 *
 * Either list may be missing. A process with one LWP needs only a status. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "base/vec.h"
#include "proc/handle.h"

/* A list from the backend: entries of pr_entsize bytes, of which the first `size` are known. */
struct lwp_list {
	prheader_t *header;
	const char *entries;
	size_t n, stride;
};

/* Where an LWP is in the lists. */
struct lwp_place {
	lwpid_t id;
	uint32_t status, info; /* indices, or ABSENT */
};

enum { ABSENT = -1 };

struct lwp_join {
	struct lwp_list statuses, infos;
	VEC(struct lwp_place) v;
	lwpstatus_t alone; /* of a process with one LWP, which needs no lists */
	bool one;
};

static void join_release(struct lwp_join *join)
{
	free(join->statuses.header);
	free(join->infos.header);
	vec_free(&join->v);
}

/* Takes over header, which may be NULL. If entries are smaller than `size`, the list is empty. */
static struct lwp_list lwp_list_of(prheader_t *header, size_t size)
{
	struct lwp_list list = { .header = header };

	if (header == NULL || header->pr_nent <= 0 || header->pr_entsize <= 0 ||
	    (size_t)header->pr_entsize < size || (uintmax_t)header->pr_nent >= UINT32_MAX)
		return list;
	list.entries = (const char *)(header + 1);
	list.n = (size_t)header->pr_nent;
	list.stride = (size_t)header->pr_entsize;
	return list;
}

/* The entries may be at any address. */
static lwpstatus_t status_at(const struct lwp_list *list, size_t i)
{
	lwpstatus_t status;

	memcpy(&status, list->entries + i * list->stride, sizeof(status));
	return status;
}

static lwpsinfo_t info_at(const struct lwp_list *list, size_t i)
{
	lwpsinfo_t info;

	memcpy(&info, list->entries + i * list->stride, sizeof(info));
	return info;
}

/* The index of the status of LWP id, or ABSENT. Both lists mostly have the same order, so the
 * search starts after the previous result. */
static uint32_t find_status(const struct lwp_list *list, lwpid_t id, size_t *hint)
{
	for (size_t k = 0; k < list->n; k++) {
		const size_t i = (*hint + k) % list->n;

		if (status_at(list, i).pr_lwpid == id) {
			*hint = i + 1;
			return (uint32_t)i;
		}
	}
	return (uint32_t)ABSENT;
}

/* The status of an LWP, or false. */
static bool joined_status(const struct lwp_join *join, const struct lwp_place *at, lwpstatus_t *out)
{
	if (at->status == (uint32_t)ABSENT)
		return false;
	*out = join->one ? join->alone : status_at(&join->statuses, at->status);
	return true;
}

static lwpsinfo_t joined_info(const struct lwp_join *join, const struct lwp_place *at)
{
	lwpstatus_t status = { .pr_lwpid = at->id };

	if (join->infos.entries != NULL && at->info != (uint32_t)ABSENT)
		return info_at(&join->infos, at->info);
	(void)joined_status(join, at, &status);
	return (lwpsinfo_t){ .pr_lwpid = status.pr_lwpid,
		.pr_sname = (char)((status.pr_flags & PR_STOPPED) != 0 ? 'T' : 'S') };
}

static bool join_from_statuses(struct lwp_join *join)
{
	for (size_t i = 0; i < join->statuses.n; i++) {
		struct lwp_place at = { status_at(&join->statuses, i).pr_lwpid, (uint32_t)i,
			(uint32_t)ABSENT };

		if (!vec_push(&join->v, at))
			return false;
	}
	return true;
}

static bool join_from_infos(struct lwp_join *join)
{
	size_t hint = 0;

	for (size_t i = 0; i < join->infos.n; i++) {
		const lwpsinfo_t info = info_at(&join->infos, i);
		struct lwp_place at = { info.pr_lwpid, find_status(&join->statuses, info.pr_lwpid, &hint),
			(uint32_t)i };

		/* An LWP that is in one list only has started or ended between the two. It has
		 * exited only if the list says so. */
		if (at.status == (uint32_t)ABSENT && info.pr_sname != 'Z')
			continue;
		if (!vec_push(&join->v, at))
			return false;
	}
	return true;
}

static int by_id(const void *a, const void *b)
{
	const struct lwp_place *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* False: the LWPs cannot be determined, or no memory. */
static bool read_lists(struct ps_prochandle *P, struct lwp_join *join)
{
	const ps_ops_t *ops = &P->backend.ops;
	bool ok = false;

	join->statuses =
	    lwp_list_of(ops->pop_lstatus == NULL ? NULL : ops->pop_lstatus(P, P->data), sizeof(lwpstatus_t));
	join->infos =
	    lwp_list_of(ops->pop_lpsinfo == NULL ? NULL : ops->pop_lpsinfo(P, P->data), sizeof(lwpsinfo_t));
	join->one = join->statuses.n == 0 && ops->pop_status != NULL && Pstatus(P)->pr_lwp.pr_lwpid != 0;
	if (join->one) {
		struct lwp_place at = { P->status.pr_lwp.pr_lwpid, 0, (uint32_t)ABSENT };

		join->alone = P->status.pr_lwp;
		ok = vec_push(&join->v, at);
	} else if (join->infos.n > 0) {
		ok = join_from_infos(join);
	} else if (join->statuses.n > 0) {
		ok = join_from_statuses(join);
	}
	if (ok && P->state == PS_DEAD && join->v.n > 1)
		qsort(join->v.at, join->v.n, sizeof(join->v.at[0]), by_id);
	return ok;
}

int Plwp_iter_all(struct ps_prochandle *P, proc_lwp_all_f *func, void *cd)
{
	OWNED(join_release) struct lwp_join join = { .v = VEC_EMPTY };

	if (!read_lists(P, &join))
		return -1;
	for (size_t i = 0; i < join.v.n; i++) {
		const lwpsinfo_t info = joined_info(&join, &join.v.at[i]);
		lwpstatus_t status;
		int result = func(cd, joined_status(&join, &join.v.at[i], &status) ? &status : NULL, &info);

		if (result != 0)
			return result;
	}
	return 0;
}

int Plwp_iter(struct ps_prochandle *P, proc_lwp_f *func, void *cd)
{
	OWNED(join_release) struct lwp_join join = { .v = VEC_EMPTY };

	if (!read_lists(P, &join))
		return -1;
	for (size_t i = 0; i < join.v.n; i++) {
		lwpstatus_t status;
		int result = joined_status(&join, &join.v.at[i], &status) ? func(cd, &status) : 0;

		if (result != 0)
			return result;
	}
	return 0;
}

int Plwp_getregs(struct ps_prochandle *P, lwpid_t id, prgregset_t regs)
{
	OWNED(join_release) struct lwp_join join = { .v = VEC_EMPTY };

	if (!read_lists(P, &join))
		return -1;
	for (size_t i = 0; i < join.v.n; i++) {
		lwpstatus_t status;

		if (join.v.at[i].id == id && joined_status(&join, &join.v.at[i], &status)) {
			memcpy(regs, status.pr_reg, sizeof(status.pr_reg));
			return 0;
		}
	}
	errno = EINVAL;
	return -1;
}

int Plwp_getname(struct ps_prochandle *P, lwpid_t id, char *buf, size_t n)
{
	OWNED(join_release) struct lwp_join join = { .v = VEC_EMPTY };

	if (n == 0)
		return -1;
	if (P->backend.lwp_name != NULL)
		return P->backend.lwp_name(P, id, buf, n, P->data);
	if (P->backend.ops.pop_lpsinfo == NULL || !read_lists(P, &join))
		return -1;
	for (size_t i = 0; i < join.v.n; i++) {
		const lwpsinfo_t info = joined_info(&join, &join.v.at[i]);

		if (info.pr_lwpid != id || info.pr_fname[0] == '\0')
			continue;
		(void)snprintf(buf, n, "%.*s", (int)sizeof(info.pr_fname), info.pr_fname);
		return 0;
	}
	return -1;
}
