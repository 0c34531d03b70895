/* PRIVATE to lib/proc: what a struct ps_prochandle is.
 *
 *        Pgrab ──> live.c ─┐
 *   Pgrab_core ──> core.c ─┼──> struct ps_prochandle { backend, objects }  <── every P* function
 *    Pgrab_ops ──> ops.c ──┘
 *
 * A backend is the public ps_ops_t plus what Linux needs beyond it. Everything above the backends
 * (mappings, objects, symbols, Pread) is written once, in terms of it. */
#ifndef PROC_HANDLE_H
#define PROC_HANDLE_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "base/fault.h"
#include "proc/objects.h"

enum handle_kind { HANDLE_LIVE, HANDLE_CORE, HANDLE_MADE_UP };

struct proc_backend {
	enum handle_kind kind; /* MADE_UP: of Pgrab_ops; its reads fall back to files, as those of cores do */
	ps_ops_t ops;
	/* All may be NULL: then there is no such thing. `data` is the handle's. */
	int (*lwp_name)(struct ps_prochandle *P, lwpid_t id, char *buf, size_t n, void *data);
	core_content_t (*content)(struct ps_prochandle *P, void *data);
	int (*state)(struct ps_prochandle *P, void *data); /* PS_*; NULL: handle.state as it is */
	/* Device and inode of the executable, whatever its name leads to by now; they stay as they are if unknown. */
	void (*exec_file)(uint64_t *dev, uint64_t *inode, void *data);
	/* Read all mappings into maps (cleared by the caller). Used instead of pop_read_maps. */
	enum res (*read_maps)(struct ps_prochandle *P, struct proc_maps *maps, struct fault *f, void *data);
	void (*release)(struct ps_prochandle *P, int flags, void *data); /* before ops.pop_fini */
};

struct ps_prochandle {
	int state; /* PS_* */
	pid_t pid; /* in pystack's own pid namespace; a core's own */
	int flags; /* PGRAB_* it was grabbed with */
	struct proc_backend backend;
	void *data;              /* of the backend */
	const struct arch *arch; /* NULL: of Pgrab_ops, which tells a data model alone: ask handle_arch */
	struct proc_objects *objects; /* mappings and files, shared by reference; NULL until asked for */
	psinfo_t psinfo;              /* what Ppsinfo returns */
	pstatus_t status;             /* what Pstatus returns */
	auxv_t *auxv;                 /* read at the first Pgetauxval; auxv_n entries */
	int auxv_n;                   /* -1: asked for and not to be had */
	bool illumos;                 /* a core of illumos: its numbers of signals and threads */
};

/* A zeroed handle with a backend; NULL when out of memory. The backend's data is the caller's until
 * this succeeded. */
struct ps_prochandle *handle_create(pid_t pid, int flags, const struct proc_backend *backend, void *data);

/* The architecture of the program. */
const struct arch *handle_arch(struct ps_prochandle *P);

/* The handle's mappings and files, read on first use. NULL: they cannot be read. A backend whose files
 * are not to be opened by path on this machine sets P->objects itself (objects_create) when it grabs. */
struct proc_objects *handle_objects(struct ps_prochandle *P);

/* The backend's memory and nothing else: Pread without its fallback to files. An elf_read_fn (data is the
 * handle), made for objects_create. Bytes read, 0: unreadable. When the handle is released, objects that
 * read through it by this function read nothing any more. */
ssize_t handle_read_raw(void *P, void *buf, size_t n, uint64_t va);

/* An objects_name_fn (data is the handle): the executable where AT_PHDR says, a library by the dynamic linker's list
 * (names.c). */
objects_name_fn handle_name_moved;

/* The object that is the executable: the one AT_PHDR or AT_ENTRY lies in, else the one at the path of
 * pop_execname, else the first. NULL: no objects. */
struct proc_object *handle_executable(struct ps_prochandle *P);

#endif
