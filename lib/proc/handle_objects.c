/* The mappings and files of a handle, read on first use, and the executable among them. */
#include "proc/handle.h"

#include <elf.h>
#include <string.h>

#include "proc/ops.h"

/* Find moved text, once. The files of an illumos core come from the dynamic linker's list, which
 * names moved text too. */
static void claim_moved(struct ps_prochandle *P)
{
	if (P->objects == NULL || P->objects->claimed || P->illumos)
		return;
	P->objects->claimed = true; /* the name function may call handle_objects */
	objects_claim_moved(P->objects, handle_name_moved, P);
}

struct proc_objects *handle_objects(struct ps_prochandle *P)
{
	struct proc_maps maps = VEC_EMPTY;
	enum res res;

	if (P->objects != NULL) {
		claim_moved(P);
		/* A live process may exit before its files are used. */
		if (P->backend.kind != HANDLE_MADE_UP && P->state != PS_DEAD)
			objects_remember(P->objects);
		return P->objects;
	}
	if (P->backend.read_maps != NULL)
		res = P->backend.read_maps(P, &maps, NULL, P->data);
	else
		res = ops_read_maps(P, &maps);
	if (res != RES_OK) {
		proc_maps_clear(&maps);
		return NULL;
	}
	P->objects = objects_create(&maps, &ops_files, handle_read_raw, P);
	claim_moved(P);
	return P->objects;
}

static const struct arch_libc *find_libc(const struct arch *arch, const struct proc_objects *o)
{
	const struct arch_libc *first = NULL;

	for (size_t i = 0; i < o->objects.n; i++) {
		const struct arch_libc *row = arch_libc_of_file(arch, o->objects.at[i].path);

		if (row != NULL && (first == NULL || row < first))
			first = row;
	}
	return first == NULL ? arch->libc : first;
}

const struct arch_libc *handle_libc(struct ps_prochandle *P)
{
	const struct arch *arch = handle_arch(P);
	struct proc_objects *o = handle_objects(P);

	if (o == NULL)
		return arch->libc;
	if (o->libc == NULL)
		o->libc = find_libc(arch, o);
	return o->libc;
}

/* The executable by its address: the kernel passes the program headers and the entry point in the
 * auxiliary vector. */
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
