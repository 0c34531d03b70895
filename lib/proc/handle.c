/* The handle: created, queried, released. Code common to live processes, cores and made-up
 * processes is here. If a backend lacks a function, the process has no such thing. */
#include "proc/handle.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { AUXV_LIMIT = 1024 }; /* the kernel writes about 25 */

struct ps_prochandle *handle_create(pid_t pid, int flags, const struct proc_backend *backend, void *data)
{
	struct ps_prochandle *P = calloc(1, sizeof(*P));

	if (P == NULL)
		return NULL;
	P->state = PS_STOP;
	P->pid = pid;
	P->flags = flags;
	P->backend = *backend;
	P->data = data;
	return P;
}

const struct arch *handle_arch(struct ps_prochandle *P)
{
	return P->arch != NULL ? P->arch : arch_of_model(Pstatus(P)->pr_dmodel);
}

void Prelease(struct ps_prochandle *P, int flags)
{
	if (P == NULL)
		return;
	/* The process must run again before anything else is done. */
	if (P->backend.release != NULL)
		P->backend.release(P, flags, P->data);
	if (P->objects != NULL && P->objects->read_data == P) {
		/* Another handle may share the objects and outlive this one. */
		P->objects->read = NULL;
		P->objects->read_data = NULL;
	}
	if (P->objects != NULL && P->objects->origin == P)
		P->objects->origin = NULL;
	objects_unref(P->objects);
	if (P->backend.ops.pop_fini != NULL)
		P->backend.ops.pop_fini(P, P->data);
	free(P->auxv);
	free(P);
}

void Pfree(struct ps_prochandle *P)
{
	Prelease(P, 0);
}

int Pstate(struct ps_prochandle *P)
{
	return P->backend.state != NULL ? P->backend.state(P, P->data) : P->state;
}

const psinfo_t *Ppsinfo(struct ps_prochandle *P)
{
	if (P->backend.ops.pop_psinfo == NULL)
		return NULL;
	return P->backend.ops.pop_psinfo(P, &P->psinfo, P->data);
}

const pstatus_t *Pstatus(struct ps_prochandle *P)
{
	if (P->backend.ops.pop_status != NULL)
		P->backend.ops.pop_status(P, &P->status, P->data);
	return &P->status;
}

core_content_t Pcontent(struct ps_prochandle *P)
{
	return P->backend.content != NULL ? P->backend.content(P, P->data) : CC_CONTENT_ALL;
}

static void read_auxv(struct ps_prochandle *P)
{
	auxv_t *auxv = NULL;
	int n = 0;

	P->auxv_n = -1;
	if (P->backend.ops.pop_read_aux == NULL)
		return;
	P->backend.ops.pop_read_aux(P, &auxv, &n, P->data);
	if (auxv == NULL || n <= 0) {
		free(auxv);
		return;
	}
	P->auxv = auxv;
	P->auxv_n = n < AUXV_LIMIT ? n : AUXV_LIMIT;
}

long Pgetauxval(struct ps_prochandle *P, int type)
{
	if (P->auxv_n == 0)
		read_auxv(P);
	for (int i = 0; i < P->auxv_n && P->auxv[i].a_type != AT_NULL; i++)
		if (P->auxv[i].a_type == type)
			return P->auxv[i].a_un.a_val;
	return -1;
}

ssize_t handle_read_raw(void *data, void *buf, size_t n, uint64_t va)
{
	struct ps_prochandle *P = data;
	ssize_t got;

	/* Not beyond the end of the address space. */
	if (va + n < va)
		n = (size_t)(UINT64_MAX - va);
	if (P->backend.ops.pop_pread == NULL || n == 0)
		return 0;
	got = P->backend.ops.pop_pread(P, buf, n, (uintptr_t)va, P->data);
	if (got < 0)
		return 0;
	return (size_t)got > n ? (ssize_t)n : got;
}
