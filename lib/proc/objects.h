/* PRIVATE to lib/proc and lib/os: the mappings of a process and the files behind them.
 *
 * Shared by reference between the handle of a live process and the handle of what was captured of
 * it: files are opened, and their symbols read, at most once, and only when somebody asks.
 *
 *   maps[]    ascending, not overlapping; each names its object by index (or -1)
 *   objects[] one per (path, device, inode) run of neighbouring mappings; image and symbols on demand. Some may have lost
 *             their mappings to another one (objects_claim_moved): they are not `loaded` */
#ifndef PROC_OBJECTS_H
#define PROC_OBJECTS_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "base/vec.h"
#include "elf/image.h"
#include "elf/symbols.h"

struct proc_map {
	prmap_t pr;
	char *path;     /* malloc'd; as the target names it, escapes of /proc decoded, no " (deleted)";
	                 * "[stack]", "[vdso]" and the like for the kernel's own; NULL: anonymous */
	uint64_t dev;   /* as in st_dev, 0 unknown (core) */
	uint64_t inode; /* 0 unknown (core) or anonymous */
	bool deleted;   /* the kernel says the file has no name any more */
	bool shared;    /* path is that of a mapping before it in the list, which frees it */
	bool moved; /* not of the file: other memory, to which that part of the object was copied. path, dev,
	                 * inode, deleted and the offset are those of the file all the same */
	char *was;  /* owned; its path before that was found out, or NULL */
	int object; /* index in objects, -1: no file; filled by objects_create */
};

struct proc_maps { /* a VEC */
	struct proc_map *at;
	size_t n, cap;
};
void proc_maps_clear(struct proc_maps *maps); /* frees paths and array */

/* How the files of a process are reached: one for live processes (through /proc/PID/root, map_files,
 * exe), one for cores (through NT_FILE paths, -e), one for made-up ones. Owned by the objects. */
struct proc_files {
	/* Open the file behind m read-only: regular files only, O_NONBLOCK, inside the target's root. An
	 * fd, or -1 with *f, of code PROC_FILE_LATE if `unanswered` tells why. *proven: it is certainly the mapped file (same device and inode, or opened
	 * through the mapping itself); else the caller compares build-ids. */
	int (*open_mapping)(void *data, const struct proc_map *m, bool *proven, struct fault *f);
	/* Open another absolute path inside the same root (debug files); -1: none. */
	int (*open_path)(void *data, const char *path);
	/* The i-th file system that has not answered so far, in a phrase for the user; false: there are no more. May be
	 * NULL. */
	bool (*unanswered)(void *data, size_t i, char *buf, size_t n);
	void (*destroy)(void *data);
	void *data;
};

enum { PROC_FILE_LATE = -1 }; /* no code of libproc's */

/* One thing the user should know about this target ("… was replaced since it was mapped; …").
 * Collected without duplicates, told once, by cmd. */
struct proc_notice {
	char *text;
	bool failed; /* something could not be had: counts for the exit status */
};

enum { PROC_BUILD_ID_MAX = 64 }; /* those in use have 8 to 20 bytes */

struct proc_build_id {
	uint8_t bytes[PROC_BUILD_ID_MAX];
	size_t n; /* 0: there is none */
};

enum { LOADED_MAX = 4096 };

struct proc_object {
	char *path;                  /* owned; same form as proc_map.path; "linux-vdso.so.1" for the vdso */
	size_t first, last;          /* its first and last mapping (indices in maps) */
	uintptr_t base;              /* address of the mapping of file offset 0, or of the first one */
	uint64_t bias;               /* add to the file's addresses; valid once image is there */
	struct elf_image *image;     /* NULL: not opened yet, or `tried` and not to be had */
	struct elf_symbols *symbols; /* made on demand, debug file attached if it is needed */
	struct elf_image *debug;     /* with debug information, where that is not in image; made on demand */
	bool debug_tried;
	struct elf_symbols *names; /* without debug file, for lookups by name; NULL: ask symbols */
	bool loaded; /* has an executable mapping (or is the vdso): a program or library. Not said of
	                              * more than LOADED_MAX: the others are found by address alone */
	bool tried;
	bool unverified;     /* its file was taken without being compared: memory has no headers of it */
	bool from_memory;    /* the image was put together from loaded segments */
	enum res mapped_res; /* what is known of the build-id in memory: RES_OK, mapped has it; */
	struct proc_build_id mapped; /* RES_NONE, there is none; RES_FAIL, not read (yet) */
};

struct proc_objects {
	unsigned refs;
	size_t n_loaded;
	struct proc_maps maps;
	VEC(struct proc_object) objects;
	VEC(struct proc_notice) notices;
	struct proc_files files;
	/* Raw bytes of the process: for build-ids and images from memory. hold_share_objects lets them be read from the copy. */
	elf_read_fn *read;
	void *read_data;
	bool remembered;   /* objects_remember was called */
	bool claimed;      /* objects_claim_moved was called */
	bool cut;          /* of a core that lacks its end: what cannot be read is explained by that */
	size_t unverified; /* how many files were taken without being compared */
	const char *first_unverified; /* path of the first of them */
	bool no_build_ids;            /* illumos: files are compared by their headers, for they have none */
};

/* Take over maps and files (both become the result's, also on failure). NULL: out of memory. */
struct proc_objects *objects_create(
    struct proc_maps *maps, const struct proc_files *files, elf_read_fn *read, void *read_data);
struct proc_objects *objects_ref(struct proc_objects *o);
void objects_unref(struct proc_objects *o); /* NULL ok; frees everything with the last reference */

/* What the file of an object is called whose mappings are all moved. */
struct proc_origin {
	char *path;          /* malloc'd */
	uint64_t dev, inode; /* as in struct proc_map; 0 unknown */
	bool deleted;
};

/* Name the object whose ELF header is at lo, which reaches up to hi, with that load bias and PT_DYNAMIC (0: none) at this
 * address. False: unknown. */
typedef bool objects_name_fn(
    void *data, uint64_t lo, uint64_t hi, uint64_t bias, uint64_t dynamic, struct proc_origin *out);

/* Give each object what runs in its place from other memory: text that a program has copied onto huge pages, into
 * anonymous memory or a file of memory (objects_moved.c). name may be NULL: objects without any mapping of their file stay
 * unknown. To be called once, before any object was asked for: it may add some. Reads memory where there is executable
 * memory that no file is mapped at, and nothing else. */
void objects_claim_moved(struct proc_objects *o, objects_name_fn *name, void *data);

/* The mapping that holds addr, or NULL. Binary search. */
const struct proc_map *objects_map(const struct proc_objects *o, uintptr_t addr);

/* The object mapped at addr, or NULL (anonymous, unmapped). Opens nothing. */
struct proc_object *objects_at(struct proc_objects *o, uintptr_t addr);

/* Its ELF image, opened and verified now if it was not yet. RES_NONE: there is none to be had, the
 * notice about it was recorded. Verified: the file is `proven`, or its build-id equals the one in the
 * target's memory; no build-id on either side: used, with a notice; different: map_files/exe was
 * already the first choice, so the loaded segments are used as an image, with a notice. */
enum res objects_image(struct proc_objects *o, struct proc_object *obj);

/* Its load bias, by its image or, where there is none, by the ELF header in memory. RES_NONE: there is neither. */
enum res objects_bias(struct proc_objects *o, struct proc_object *obj, uint64_t *bias);

/* Read now what later questions need of the process's memory, for it may be gone by then: one page of
 * each load object (its build-id), the vdso, and what is loaded of deleted files that cannot be opened any
 * more. Opens no other file. Does its work once. */
void objects_remember(struct proc_objects *o);

/* Its symbols (with separate debug file when the image has no .symtab), or NULL. */
struct elf_symbols *objects_symbols(struct proc_objects *o, struct proc_object *obj);

/* The file with its debug information (.debug_info): the image itself, or its separate debug file, proven as that of
 * the symbols. RES_NONE: there is none. Owned by the object. */
enum res objects_debug(struct proc_objects *o, struct proc_object *obj, struct elf_image **out);

/* Those that the image itself has, or NULL: for a search by name through many objects, where a debug
 * file for each would be too dear. */
struct elf_symbols *objects_names(struct proc_objects *o, struct proc_object *obj);

/* Record a notice (once per text). */
void objects_notice(struct proc_objects *o, bool failed, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* File bytes backing addr, if addr lies in a private read-only mapping whose segment is not PF_W
 * (so memory equals file): for Pread over holes of a core, and for reading text without touching the
 * target. RES_NONE: ask memory; always so for what was moved. Opens the object's image. */
enum res objects_file_bytes(struct proc_objects *o, uintptr_t addr, struct span *out);

#endif
