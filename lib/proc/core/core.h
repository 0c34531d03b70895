/* PRIVATE to lib/proc: a parsed core file of Linux or illumos (x86-64 or i386).
 *
 *   core.c               Pgrab_core, Pfgrab_core, the backend
 *   core_notes.c         notes: LWPs, arguments, auxv, mapped files
 *   core_illumos.c       notes of a core of illumos
 *   core_illumos_maps.c  mapped files of a core of illumos
 *   core_read.c          PT_LOADs: saved bytes, and reading them
 *   core_args.c          arguments that the notes lack, from the stack
 *   core_maps.c          mappings, from PT_LOADs and NT_FILE
 *   core_files.c         opening the mapped files
 *   core_owner.c         what its owner may read
 *   core_lookup.c        look-ups in the notes
 *
 * Opening a core reads only headers and notes, so its cost does not depend on the saved memory.
 * Pointers into the file are valid as long as the core. */
#ifndef PROC_CORE_H
#define PROC_CORE_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "base/fault.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "elf/image.h"
#include "proc/objects.h"

enum {
	CORE_PAGE = 4096,
	CORE_MAPS_MAX = 1 << 18, /* four times the number that Linux allows a process by default */
};

/* One PT_LOAD. Segments are sorted by va and do not overlap; va + memsz does not wrap. */
struct core_segment {
	uint64_t va;
	uint64_t memsz;
	uint64_t off;   /* file offset of the byte at va */
	uint64_t saved; /* bytes in the file, from va on; at most memsz */
	uint32_t flags; /* PF_* */
	bool stack;     /* a stack pointer is in the saved part */
};

/* One entry of NT_FILE. Entries are sorted by start and do not overlap. */
struct core_range {
	uint64_t start, end; /* addresses in the process, half-open */
	uint64_t off;        /* offset in the mapped file, in bytes */
	const char *path;    /* points into the core; path_len bytes, no NUL */
	size_t path_len;     /* without " (deleted)" */
	bool deleted;
};

/* The name of an LWP. Names are sorted by id. */
struct core_name {
	lwpid_t id;
	char text[32];
};

struct core {
	struct elf_image *image;
	const struct arch *arch; /* the process's */
	uint8_t word;            /* bytes in an address */
	VEC(struct core_segment) segments;
	VEC(struct core_range) ranges;
	VEC(lwpstatus_t) lwps; /* by ascending id */
	lwpstatus_t first;     /* of the first NT_PRSTATUS: the thread that crashed */
	VEC(struct core_name) names;
	VEC(lwpid_t) zombies; /* exited but not joined; ascending, without those in lwps */
	bool illumos;         /* of illumos, else of Linux */
	VEC(auxv_t) auxv;     /* without AT_NULL */
	psinfo_t psinfo;
	bool has_psinfo;
	uid_t user; /* owner of the file; CORE_NOBODYS: not known */
	gid_t group;
	bool damaged;     /* invalid headers or notes were left out */
	uint64_t expects; /* size that the file should have by its program headers */
};

/* Parse the core open at fd, which the caller keeps. RES_FAIL: f->code is a G_ code, or 0 with
 * errno in f->sys. */
enum res core_create(int fd, struct core **out, struct fault *f);
void core_destroy(struct core *core); /* NULL ok */

/* Steps of core_create. Each fills its arrays from core->image. */
enum res core_segments_read(struct core *core, struct fault *f);
enum res core_notes_read(struct core *core, struct fault *f); /* G_NOTE: no NT_PRSTATUS */

/* If psinfo.pr_psargs is one word (gcore writes no more), append the further arguments if the stack
 * still has them. */
void core_args_complete(struct core *core);

/* Append the whole command line as the stack has it: each argument is followed by a NUL. RES_NONE:
 * the stack was not saved, or psinfo.pr_psargs contradicts it. */
enum res core_args_read(struct core *core, struct strbuf *out);

/* Copy up to n bytes saved at va, across neighbouring segments, up to the first byte that was not
 * saved. (Nothing is filled with zeros.) Returns the number of bytes; 0: none. An elf_read_fn whose
 * data is the core. */
ssize_t core_read(void *data, void *buf, size_t n, uint64_t va);
/* Read the word of the program at va. False: not all of it is there; *out is undefined. */
bool core_read_word(struct core *core, uint64_t va, uint64_t *out);

/* Pointer to the saved byte at va, and the number of bytes that follow it in its segment (*n, at
 * least 1). NULL: it was not saved. */
const char *core_bytes(const struct core *core, uint64_t va, size_t *n);

/* Find the segments that are stacks. Must be called after core_notes_read. */
void core_stacks_mark(struct core *core);

/* PR_MODEL_* of the process. */
char core_model(const struct core *core);

/* The CC_CONTENT_* bits of the saved segments. */
core_content_t core_content(const struct core *core);

/* Value of an auxv entry (AT_*); 0: absent. */
uint64_t core_auxv(const struct core *core, int type);

/* The entry of NT_FILE that holds va, or NULL. */
const struct core_range *core_range_at(const struct core *core, uint64_t va);

/* The range that holds the executable's program headers (AT_PHDR) or entry point (AT_ENTRY), or
 * NULL. */
const struct core_range *core_exe(const struct core *core);

/* Path of the executable, malloc'd; NULL: unknown. It is the path of core_exe's range. If that is
 * memory to which the program was copied, it is the first word of the command line, or AT_EXECFN,
 * if that is an absolute path. */
char *core_exe_path(struct core *core);

/* Append all mappings, or the first CORE_MAPS_MAX, to maps, which is empty. RES_FAIL: no memory. */
enum res core_maps_read(const struct core *core, struct proc_maps *maps, struct fault *f);

/* How the core's files are opened. aout NULL: by the paths in the core, on this machine. A
 * directory: by these paths below it, and nowhere else. A file: it is the executable. If its path
 * ends in the executable's path in the core, paths are tried first below the directory before that
 * (a container's root), then on this machine. The caller destroys *out, which may outlive the core.
 * RES_FAIL: G_NOEXEC: aout cannot be opened, or is neither a directory nor an ELF file. */
enum res core_files_create(struct core *core, const char *aout, struct proc_files *out, struct fault *f);

/* Open a regular file for reading; FIFOs and devices are not opened. -1 with errno. EINVAL: not a
 * regular file. ETIMEDOUT: its file system does not answer. */
int core_open_regular(const char *path);

#endif
