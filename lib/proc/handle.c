/* The handle itself: made, asked for what its backend knows, released. What is the same for live
 * processes, cores and made-up ones is here once; a backend's missing function is an answer of "none". */
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

void Prelease(struct ps_prochandle *P, int flags)
{
	if (P == NULL)
		return;
	/* First of all let the process run again. */
	if (P->backend.release != NULL)
		P->backend.release(P, flags, P->data);
	if (P->objects != NULL && P->objects->read_data == P) {
		/* Another handle may share them and live on. */
		P->objects->read = NULL;
		P->objects->read_data = NULL;
	}
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

char *Pexecname(struct ps_prochandle *P, char *buf, size_t n)
{
	char *name = NULL;
	const struct proc_object *exec;

	if (n == 0)
		return NULL;
	if (P->backend.ops.pop_execname != NULL)
		name = P->backend.ops.pop_execname(P, buf, n, P->data);
	if (name != NULL)
		return name;
	exec = handle_executable(P);
	if (exec == NULL)
		return NULL;
	buf[0] = '\0';
	strncat(buf, exec->path, n - 1);
	return buf;
}

/* What the link-map would say: the executable is where the kernel told the dynamic linker it is. */
static struct proc_object *executable_by_auxv(struct ps_prochandle *P, struct proc_objects *o)
{
	static const int types[] = { AT_PHDR, AT_ENTRY };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		long at = Pgetauxval(P, types[i]);
		struct proc_object *obj = at == -1 ? NULL : objects_at(o, (uintptr_t)at);

		if (obj != NULL)
			return obj;
	}
	return NULL;
}

struct proc_object *handle_executable(struct ps_prochandle *P)
{
	struct proc_objects *o = handle_objects(P);
	struct proc_object *obj;
	char path[4096];

	if (o == NULL)
		return NULL;
	obj = executable_by_auxv(P, o);
	if (obj != NULL)
		return obj;
	if (P->backend.ops.pop_execname != NULL &&
	    P->backend.ops.pop_execname(P, path, sizeof(path), P->data) != NULL) {
		for (size_t i = 0; i < o->objects.n; i++)
			if (o->objects.at[i].loaded && strcmp(o->objects.at[i].path, path) == 0)
				return &o->objects.at[i];
	}
	for (size_t i = 0; i < o->objects.n; i++)
		if (o->objects.at[i].loaded)
			return &o->objects.at[i];
	return NULL;
}
