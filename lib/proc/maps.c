/* libproc's look-ups of mappings and load objects by address. */
#include <stdlib.h>
#include <string.h>

#include "proc/handle.h"

int Pmapping_iter(struct ps_prochandle *P, proc_map_f *func, void *cd)
{
	struct proc_objects *o = handle_objects(P);

	if (o == NULL)
		return -1;
	for (size_t i = 0; i < o->maps.n; i++) {
		int result = func(cd, &o->maps.at[i].pr, o->maps.at[i].path);

		if (result != 0)
			return result;
	}
	return 0;
}

int Pobject_iter(struct ps_prochandle *P, proc_map_f *func, void *cd)
{
	struct proc_objects *o = handle_objects(P);

	if (o == NULL)
		return -1;
	for (size_t i = 0; i < o->objects.n; i++) {
		const struct proc_object *obj = &o->objects.at[i];
		const struct proc_map *m = objects_map(o, obj->base);
		int result;

		if (!obj->loaded || m == NULL)
			continue;
		result = func(cd, &m->pr, obj->path);
		if (result != 0)
			return result;
	}
	return 0;
}

const prmap_t *Paddr_to_map(struct ps_prochandle *P, uintptr_t addr)
{
	struct proc_objects *o = handle_objects(P);
	const struct proc_map *m = o == NULL ? NULL : objects_map(o, addr);

	return m == NULL ? NULL : &m->pr;
}

char *Pobjname(struct ps_prochandle *P, uintptr_t addr, char *buf, size_t n)
{
	struct proc_objects *o = handle_objects(P);
	const struct proc_object *obj = o == NULL ? NULL : objects_at(o, addr);

	if (obj == NULL || n == 0)
		return NULL;
	buf[0] = '\0';
	strncat(buf, obj->path, n - 1);
	return buf;
}
