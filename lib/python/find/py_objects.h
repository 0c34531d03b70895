/* PRIVATE to lib/python: the files that a process has loaded, and the memory of each. */
#ifndef PYTHON_PY_OBJECTS_H
#define PYTHON_PY_OBJECTS_H

#include <libproc.h>
#include <stdbool.h>

#include "base/addrmap.h"
#include "python/find/py_scan.h"

struct py_object {
	char *path;
	uint64_t addr;
	bool likely, program; /* the caller's */
	/* After py_objects_measure, in the first of several objects with the same path. */
	uint64_t mapped, writable; /* bytes of its mappings */
	uint32_t same;             /* index of the first with this path */
	uint32_t first, last;      /* of its regions; PY_NO_REGION */
};
#define PY_NO_REGION UINT32_MAX

struct py_object_region {
	struct py_region at;
	uint32_t next;
};

struct py_objects {
	VEC(struct py_object) at;
	struct addrmap by_path; /* hash of a path, or one of the next numbers → index */
	bool measured;
	VEC(struct py_object_region) regions; /* of all */
	py_regions one;                       /* those of object `of` */
	const struct py_object *of;
};

/* Free what *o has. */
void py_objects_free(struct py_objects *o);

/* Initialise *out, zeroed, with the objects of P in libproc's order. False: out of memory; some are
 * missing. The caller must free *out in both cases. */
bool py_objects_list(struct ps_prochandle *P, struct py_objects *out);

/* Add up the mappings of all objects, once. False: out of memory. */
bool py_objects_measure(struct ps_prochandle *P, struct py_objects *o);

/* The writable memory of object i, by address: its writable mappings and the anonymous ones that
 * follow them (.bss). Valid until the next call. NULL: out of memory. */
const py_regions *py_objects_regions(struct ps_prochandle *P, struct py_objects *o, size_t i);

#endif
