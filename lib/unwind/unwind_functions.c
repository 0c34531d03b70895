/* See unwind_functions.h. */
#include "unwind/unwind_functions.h"

#include <stdlib.h>

#include "unwind/unwind_modules.h"

struct unwind_functions {
	struct modules *modules;
};

struct unwind_functions *unwind_functions_create(struct ps_prochandle *P)
{
	struct unwind_functions *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->modules = modules_create(P);
	if (u->modules == NULL) {
		free(u);
		return NULL;
	}
	return u;
}

void unwind_functions_destroy(struct unwind_functions *u)
{
	if (u != NULL)
		modules_destroy(u->modules);
	free(u);
}

bool unwind_function_start(struct unwind_functions *u, uint64_t pc, uint64_t *start)
{
	const struct module *m = modules_at(u->modules, pc);
	struct cfi_entry entry;

	if (m == NULL || m->finder == NULL || cfi_find_entry(m->finder, pc - m->bias, &entry) != RES_OK)
		return false;
	*start = entry.lo;
	return true;
}
