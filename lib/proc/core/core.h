/* PRIVATE to lib/proc: a core file of Linux or illumos (x86-64 or i386), parsed.
 *
 *   core.c        Pgrab_core, Pfgrab_core, the backend
 *   core_notes.c  what the notes say: LWPs, arguments, auxv, mapped files
 *   core_illumos.c       the same of a core of illumos; core_illumos_maps.c its files
 *   core_read.c   PT_LOADs: which bytes were saved, and reading them
 *   core_args.c   arguments the notes lack, from the stack
 *   core_maps.c   mappings, put together from PT_LOADs and NT_FILE
 *   core_files.c  opening the files that were mapped
 *
 * Only headers and notes are looked at when a core is opened: the cost does not depend on how much
 * memory it holds. Pointers into the file live as long as the core. */
#ifndef PROC_CORE_H
#define PROC_CORE_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "base/fault.h"
#include "base/vec.h"
#include "elf/image.h"
#include "proc/objects.h"

enum {
	CORE_PAGE = 4096,
	CORE_MAPS_MAX =
	    1 << 18, /* mappings made of a core: four times what Linux lets a process have by default */
};

/* One PT_LOAD. Sorted by va, not overlapping, va + memsz does not wrap. */
struct core_segment {
	uint64_t va;
	uint64_t memsz;
	uint64_t off;   /* file offset of the byte at va */
	uint64_t saved; /* bytes really in the file, from va on; never more than memsz */
	uint32_t flags; /* PF_* */
	bool stack;     /* some LWP's stack pointer is in what was saved */
};

/* One entry of NT_FILE. Sorted by start, not overlapping. */
struct core_range {
	uint64_t start, end; /* half-open, in the process */
	uint64_t off;        /* bytes into the file that is mapped */
	const char *path;    /* in the core; only path_len bytes of it */
	size_t path_len;     /* without " (deleted)" */
	bool deleted;
};

/* What an LWP is called. Sorted by id. */
struct core_name {
	lwpid_t id;
	char text[32];
};

struct core {
	struct elf_image *image;
	const struct arch *arch; /* of the process */
	uint8_t word;            /* bytes in an address of it */
	VEC(struct core_segment) segments;
	VEC(struct core_range) ranges;
	VEC(lwpstatus_t) lwps; /* ascending id */
	lwpstatus_t first;     /* of the first NT_PRSTATUS: the one that crashed */
	VEC(struct core_name) names;
	VEC(lwpid_t) zombies; /* exited, and not joined: ascending, none of them in lwps */
	bool illumos;         /* else of Linux */
	VEC(auxv_t) auxv;     /* without AT_NULL */
	psinfo_t psinfo;
	bool has_psinfo;
	bool damaged;     /* something in the headers or notes made no sense and was left out */
	uint64_t expects; /* bytes the file should have, by its program headers */
};

/* Parse the core open at fd (which stays the caller's). RES_FAIL: f->code is a G_ code (0: f->sys). */
enum res core_create(int fd, struct core **out, struct fault *f);
void core_destroy(struct core *core); /* NULL ok */

/* Steps of core_create. Each fills its arrays from core->image. */
enum res core_segments_read(struct core *core, struct fault *f);
enum res core_notes_read(struct core *core, struct fault *f); /* G_NOTE: no NT_PRSTATUS */

/* Where psinfo.pr_psargs is one word (gcore writes no more), fill in the arguments after it if the stack
 * still has them. */
void core_args_complete(struct core *core);

/* Bytes saved in the core at va, up to n, over neighbouring segments: stops where nothing was saved
 * (nothing is filled with zeros). Returns how many, 0 when none. An elf_read_fn; data is the core. */
ssize_t core_read(void *data, void *buf, size_t n, uint64_t va);

/* Where in the file the byte at va is, and how many of its segment follow there (*n, at least 1). NULL: it was not saved. */
const char *core_bytes(const struct core *core, uint64_t va, size_t *n);

/* Find out which segments are stacks; after the notes were read. */
void core_stacks_mark(struct core *core);

/* PR_MODEL_* of the process. */
char core_model(const struct core *core);

/* What the saved segments amount to: CC_CONTENT_* bits. */
core_content_t core_content(const struct core *core);

/* Value of an auxv entry (AT_*), 0 when absent. */
uint64_t core_auxv(const struct core *core, int type);

/* The entry of NT_FILE that holds va, or NULL. */
const struct core_range *core_range_at(const struct core *core, uint64_t va);

/* The range the executable's program headers (AT_PHDR) or entry point (AT_ENTRY) lie in, or NULL. */
const struct core_range *core_exe(const struct core *core);

/* What the executable is called: by that range or, where it is memory that the program was copied to, by the command line
 * and AT_EXECFN, if one of these is an absolute path. malloc'd; NULL: unknown. */
char *core_exe_path(struct core *core);

/* All mappings, or the first CORE_MAPS_MAX of them (maps comes in empty). RES_FAIL: no memory. */
enum res core_maps_read(const struct core *core, struct proc_maps *maps, struct fault *f);

/* How files are reached: on this machine, under the paths the core names, or below the folder `aout` and nowhere else;
 * the executable at `aout` when that is a file. If aout ends in the path the core has for it, paths are tried below the folder
 * before that first (a container's root). *out is the caller's to destroy and may outlive the core.
 * RES_FAIL: G_NOEXEC, aout cannot be opened, or is neither a folder nor an ELF file. */
enum res core_files_create(struct core *core, const char *aout, struct proc_files *out, struct fault *f);

/* Open a path that must be a regular file, read-only, without ever waiting for it (a FIFO or a device
 * is not opened at all). -1 with errno: EINVAL, it is something else. */
int core_open_regular(const char *path);

#endif
