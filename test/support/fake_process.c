/* The functions of a made-up process. */
#include "support/fake_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fake_segment *segment_at(const struct fake_process *fake, uintptr_t va)
{
	const struct fake_segment *s = fake->segments;

	for (; s != NULL && s->bytes != NULL; s++)
		if (va >= s->va && va - s->va < s->n)
			return s;
	return NULL;
}

static ssize_t fake_pread(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va, void *data)
{
	struct fake_process *fake = data;
	size_t done = 0;

	(void)P;
	fake->reads++;
	if (fake->read != NULL)
		return fake->read(fake, buf, n, va);
	while (done < n) {
		const struct fake_segment *s = segment_at(fake, va + done);
		size_t at, have;

		if (s == NULL)
			break;
		at = va + done - s->va;
		have = s->n - at < n - done ? s->n - at : n - done;
		memcpy((char *)buf + done, (const char *)s->bytes + at, have);
		done += have;
	}
	fake->bytes_read += done;
	return (ssize_t)done;
}

static int fake_read_maps(struct ps_prochandle *P, prmap_t **out, ssize_t *n, void *data)
{
	const struct fake_process *fake = data;
	size_t count = 0;
	prmap_t *maps;

	(void)P;
	if (fake->maps == NULL)
		return -1;
	while (fake->maps[count].size != 0)
		count++;
	maps = calloc(count + 1, sizeof(*maps));
	if (maps == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct fake_map *m = &fake->maps[i];

		maps[i] = (prmap_t){ .pr_vaddr = m->va,
			.pr_size = m->size,
			.pr_offset = m->offset,
			.pr_mflags = m->flags,
			.pr_pagesize = 4096 };
		if (m->name != NULL)
			(void)snprintf(maps[i].pr_mapname, sizeof(maps[i].pr_mapname), "%s", m->name);
	}
	*out = maps;
	*n = (ssize_t)count;
	return 0;
}

static void fake_read_aux(struct ps_prochandle *P, auxv_t **out, int *n, void *data)
{
	const struct fake_process *fake = data;
	int count = 0;

	(void)P;
	if (fake->auxv == NULL)
		return;
	while (fake->auxv[count].a_type != 0)
		count++;
	*out = calloc((size_t)count + 1, sizeof(**out));
	if (*out == NULL)
		return;
	memcpy(*out, fake->auxv, (size_t)count * sizeof(**out));
	*n = count + 1;
}

static char model_of(const struct fake_process *fake)
{
	return fake->is_32bit ? PR_MODEL_ILP32 : PR_MODEL_LP64;
}

static const psinfo_t *fake_psinfo(struct ps_prochandle *P, psinfo_t *out, void *data)
{
	const struct fake_process *fake = data;

	(void)P;
	*out = (psinfo_t){ .pr_pid = fake->pid, .pr_nlwp = (int)fake->lwp_n, .pr_dmodel = model_of(fake) };
	if (fake->psargs != NULL)
		(void)snprintf(out->pr_psargs, sizeof(out->pr_psargs), "%s", fake->psargs);
	return out;
}

static void fake_status(struct ps_prochandle *P, pstatus_t *out, void *data)
{
	const struct fake_process *fake = data;

	(void)P;
	*out = (pstatus_t){ .pr_pid = fake->pid, .pr_nlwp = (int)fake->lwp_n, .pr_dmodel = model_of(fake) };
	if (fake->lwp_n > 0)
		out->pr_lwp = fake->lwps[0];
}

static prheader_t *list(const void *entries, size_t n, size_t size)
{
	prheader_t *header = n == 0 ? NULL : malloc(sizeof(*header) + n * size);

	if (header == NULL)
		return NULL;
	*header = (prheader_t){ (long)n, (long)size };
	memcpy(header + 1, entries, n * size);
	return header;
}

static prheader_t *fake_lstatus(struct ps_prochandle *P, void *data)
{
	const struct fake_process *fake = data;

	(void)P;
	return list(fake->lwps, fake->lwp_n, sizeof(*fake->lwps));
}

static prheader_t *fake_lpsinfo(struct ps_prochandle *P, void *data)
{
	const struct fake_process *fake = data;

	(void)P;
	return list(fake->infos, fake->info_n, sizeof(*fake->infos));
}

static char *fake_execname(struct ps_prochandle *P, char *buf, size_t n, void *data)
{
	const struct fake_process *fake = data;

	(void)P;
	if (fake->execname == NULL)
		return NULL;
	(void)snprintf(buf, n, "%s", fake->execname);
	return buf;
}

static void fake_fini(struct ps_prochandle *P, void *data)
{
	struct fake_process *fake = data;

	(void)P;
	fake->finished = true;
}

struct ps_prochandle *fake_grab(struct fake_process *fake)
{
	static const ps_ops_t ops = {
		.pop_pread = fake_pread,
		.pop_read_maps = fake_read_maps,
		.pop_read_aux = fake_read_aux,
		.pop_psinfo = fake_psinfo,
		.pop_status = fake_status,
		.pop_lstatus = fake_lstatus,
		.pop_lpsinfo = fake_lpsinfo,
		.pop_execname = fake_execname,
		.pop_fini = fake_fini,
	};

	return Pgrab_ops(fake->pid, fake, &ops, 0);
}
