/* PRIVATE to lib/proc: struct ps_prochandle.
 *
 *        Pgrab ──> live.c ─┐
 *   Pgrab_core ──> core.c ─┼──> struct ps_prochandle { backend, objects }  <── every P* function
 *    Pgrab_ops ──> ops.c ──┘
 *
 * A backend is the public ps_ops_t and further functions that Linux needs. The code above the
 * backends (mappings, objects, symbols, Pread) exists once and uses only them. */
#ifndef PROC_HANDLE_H
#define PROC_HANDLE_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "base/fault.h"
#include "base/strbuf.h"
#include "proc/objects.h"

enum handle_kind { HANDLE_LIVE, HANDLE_CORE, HANDLE_MADE_UP };

struct proc_backend {
	enum handle_kind kind; /* MADE_UP (Pgrab_ops): what memory lacks is read from files, as for cores */
	ps_ops_t ops;
	/* A NULL member: the process has no such thing. `data` is the handle's. */
	int (*lwp_name)(struct ps_prochandle *P, lwpid_t id, char *buf, size_t n, void *data);
	/* Append the whole command line: each argument is followed by a NUL. RES_NONE: unknown. */
	enum res (*arguments)(struct ps_prochandle *P, struct strbuf *out, void *data);
	core_content_t (*content)(struct ps_prochandle *P, void *data);
	int (*state)(struct ps_prochandle *P, void *data); /* PS_*; NULL: handle.state is right */
	/* Device and inode of the executable itself, whatever its path leads to now. They are
	 * unchanged if unknown. */
	void (*exec_file)(uint64_t *dev, uint64_t *inode, void *data);
	/* Read all mappings into maps, which the caller clears. Replaces pop_read_maps. */
	enum res (*read_maps)(struct ps_prochandle *P, struct proc_maps *maps, struct fault *f, void *data);
	void (*release)(struct ps_prochandle *P, int flags, void *data); /* before ops.pop_fini */
};

struct ps_prochandle {
	int state; /* PS_* */
	pid_t pid; /* in pystack's pid namespace; of a core, the core's */
	int flags; /* PGRAB_* flags of the grab */
	struct proc_backend backend;
	void *data;                   /* the backend's */
	const struct arch *arch;      /* NULL: Pgrab_ops, which knows only a data model; see handle_arch */
	struct proc_objects *objects; /* shared by reference; NULL until first used */
	psinfo_t psinfo;              /* what Ppsinfo returns */
	pstatus_t status;             /* what Pstatus returns */
	auxv_t *auxv;                 /* auxv_n entries, read by the first Pgetauxval */
	int auxv_n;                   /* -1: could not be read */
	bool illumos;                 /* a core of illumos: signal and thread numbers are illumos's */
};

/* Create a zeroed handle with a backend. The handle takes over the backend's data on success only.
 * NULL: out of memory. */
struct ps_prochandle *handle_create(pid_t pid, int flags, const struct proc_backend *backend, void *data);

/* The architecture of the program. */
const struct arch *handle_arch(struct ps_prochandle *P);

/* The C library of the program: of the first row of arch.libc that has a mapped file, or the first
 * one if none has. */
const struct arch_libc *handle_libc(struct ps_prochandle *P);

/* The handle's mappings and files, read on first use. NULL: they cannot be read. If a backend's
 * files must not be opened by path on this machine, the backend sets P->objects (objects_create)
 * when it grabs. */
struct proc_objects *handle_objects(struct ps_prochandle *P);

/* Read the backend's memory: Pread without files. Returns bytes read; 0: unreadable. This is an
 * elf_read_fn for objects_create, whose data is the handle. Objects that read by this function read
 * nothing once the handle is released. */
ssize_t handle_read_raw(void *P, void *buf, size_t n, uint64_t va);

/* An objects_name_fn, whose data is the handle. Finds the executable by AT_PHDR, a library in the
 * dynamic linker's list (names.c). */
objects_name_fn handle_name_moved;

/* The executable: the object that holds AT_PHDR or AT_ENTRY, else the one at the path of
 * pop_execname, else the first. NULL: there are no objects. */
struct proc_object *handle_executable(struct ps_prochandle *P);

#endif
