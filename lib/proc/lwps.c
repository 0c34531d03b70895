/* The LWPs of a process, from two lists of the backend joined by id.
 *
 *   pop_lpsinfo   ┌ header │ lwpsinfo 1 │ lwpsinfo 2 (exited) │ lwpsinfo 3 │ …
 *   pop_lstatus   └ header │ lwpstatus 1              │ lwpstatus 3 │ …
 *
 * Either list may be missing. A process with one LWP needs only a status. */
#include <errno.h>
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

struct lwp_pair {
	lwpstatus_t status;
	lwpsinfo_t info;
	bool has_status;
};

struct lwp_pairs {
	VEC(struct lwp_pair) v;
};

static void list_release(struct lwp_list *list)
{
	free(list->header);
}

static void pairs_release(struct lwp_pairs *pairs)
{
	vec_free(&pairs->v);
}

/* Takes over header, which may be NULL. If entries are smaller than `size`, the list is empty. */
static struct lwp_list lwp_list_of(prheader_t *header, size_t size)
{
	struct lwp_list list = { .header = header };

	if (header == NULL || header->pr_nent <= 0 || header->pr_entsize <= 0 ||
	    (size_t)header->pr_entsize < size)
		return list;
	list.entries = (const char *)(header + 1);
	list.n = (size_t)header->pr_nent;
	list.stride = (size_t)header->pr_entsize;
	return list;
}

/* The status of LWP id. Both lists mostly have the same order, so the search starts after the
 * previous result. */
static bool find_status(const struct lwp_list *list, lwpid_t id, size_t *hint, lwpstatus_t *out)
{
	for (size_t k = 0; k < list->n; k++) {
		size_t i = (*hint + k) % list->n;

		memcpy(out, list->entries + i * list->stride, sizeof(*out));
		if (out->pr_lwpid == id) {
			*hint = i + 1;
			return true;
		}
	}
	return false;
}

static lwpsinfo_t info_of(const lwpstatus_t *status)
{
	return (lwpsinfo_t){ .pr_lwpid = status->pr_lwpid,
		.pr_sname = (char)((status->pr_flags & PR_STOPPED) != 0 ? 'T' : 'S') };
}

static bool pairs_from_status(struct lwp_pairs *pairs, const struct lwp_list *statuses)
{
	for (size_t i = 0; i < statuses->n; i++) {
		struct lwp_pair pair = { .has_status = true };

		memcpy(&pair.status, statuses->entries + i * statuses->stride, sizeof(pair.status));
		pair.info = info_of(&pair.status);
		if (!vec_push(&pairs->v, pair))
			return false;
	}
	return true;
}

static bool pairs_from_infos(
    struct lwp_pairs *pairs, const struct lwp_list *infos, const struct lwp_list *statuses)
{
	size_t hint = 0;

	for (size_t i = 0; i < infos->n; i++) {
		struct lwp_pair pair;

		memcpy(&pair.info, infos->entries + i * infos->stride, sizeof(pair.info));
		pair.has_status = find_status(statuses, pair.info.pr_lwpid, &hint, &pair.status);
		/* An LWP that is in one list only has started or ended between the two. It has
		 * exited only if the list says so. */
		if (!pair.has_status && pair.info.pr_sname != 'Z')
			continue;
		if (!vec_push(&pairs->v, pair))
			return false;
	}
	return true;
}

static int by_id(const void *a, const void *b)
{
	const struct lwp_pair *x = a, *y = b;

	return (x->info.pr_lwpid > y->info.pr_lwpid) - (x->info.pr_lwpid < y->info.pr_lwpid);
}

/* False: the LWPs cannot be determined, or no memory. */
static bool read_pairs(struct ps_prochandle *P, struct lwp_pairs *pairs)
{
	const ps_ops_t *ops = &P->backend.ops;
	OWNED(list_release)
	struct lwp_list statuses =
	    lwp_list_of(ops->pop_lstatus == NULL ? NULL : ops->pop_lstatus(P, P->data), sizeof(lwpstatus_t));
	OWNED(list_release)
	struct lwp_list infos =
	    lwp_list_of(ops->pop_lpsinfo == NULL ? NULL : ops->pop_lpsinfo(P, P->data), sizeof(lwpsinfo_t));
	bool one = statuses.n == 0 && ops->pop_status != NULL && Pstatus(P)->pr_lwp.pr_lwpid != 0;
	bool ok = false;

	if (one) {
		struct lwp_pair pair = { .status = P->status.pr_lwp, .has_status = true };

		pair.info = info_of(&pair.status);
		ok = vec_push(&pairs->v, pair);
	} else if (infos.n > 0) {
		ok = pairs_from_infos(pairs, &infos, &statuses);
	} else if (statuses.n > 0) {
		ok = pairs_from_status(pairs, &statuses);
	}
	if (ok && P->state == PS_DEAD && pairs->v.n > 1)
		qsort(pairs->v.at, pairs->v.n, sizeof(pairs->v.at[0]), by_id);
	return ok;
}

int Plwp_iter_all(struct ps_prochandle *P, proc_lwp_all_f *func, void *cd)
{
	OWNED(pairs_release) struct lwp_pairs pairs = { VEC_EMPTY };

	if (!read_pairs(P, &pairs))
		return -1;
	for (size_t i = 0; i < pairs.v.n; i++) {
		const struct lwp_pair *pair = &pairs.v.at[i];
		int result = func(cd, pair->has_status ? &pair->status : NULL, &pair->info);

		if (result != 0)
			return result;
	}
	return 0;
}

int Plwp_iter(struct ps_prochandle *P, proc_lwp_f *func, void *cd)
{
	OWNED(pairs_release) struct lwp_pairs pairs = { VEC_EMPTY };

	if (!read_pairs(P, &pairs))
		return -1;
	for (size_t i = 0; i < pairs.v.n; i++) {
		int result = pairs.v.at[i].has_status ? func(cd, &pairs.v.at[i].status) : 0;

		if (result != 0)
			return result;
	}
	return 0;
}

int Plwp_getregs(struct ps_prochandle *P, lwpid_t id, prgregset_t regs)
{
	OWNED(pairs_release) struct lwp_pairs pairs = { VEC_EMPTY };

	if (!read_pairs(P, &pairs))
		return -1;
	for (size_t i = 0; i < pairs.v.n; i++) {
		const struct lwp_pair *pair = &pairs.v.at[i];

		if (pair->has_status && pair->status.pr_lwpid == id) {
			memcpy(regs, pair->status.pr_reg, sizeof(pair->status.pr_reg));
			return 0;
		}
	}
	errno = EINVAL;
	return -1;
}

int Plwp_getname(struct ps_prochandle *P, lwpid_t id, char *buf, size_t n)
{
	OWNED(pairs_release) struct lwp_pairs pairs = { VEC_EMPTY };

	if (n == 0)
		return -1;
	if (P->backend.lwp_name != NULL)
		return P->backend.lwp_name(P, id, buf, n, P->data);
	if (P->backend.ops.pop_lpsinfo == NULL || !read_pairs(P, &pairs))
		return -1;
	for (size_t i = 0; i < pairs.v.n; i++) {
		const lwpsinfo_t *info = &pairs.v.at[i].info;

		if (info->pr_lwpid != id || info->pr_fname[0] == '\0')
			continue;
		(void)snprintf(buf, n, "%.*s", (int)sizeof(info->pr_fname), info->pr_fname);
		return 0;
	}
	return -1;
}
