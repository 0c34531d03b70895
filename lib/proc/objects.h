/* PRIVATE to lib/proc and lib/os: the mappings of a process and their files.
 *
 * The handle of a live process and the handle of its copy share them by reference. Files are
 * opened, and their symbols read, on demand and at most once.
 *
 *   maps[]    ascending, not overlapping; each has the index of its object, or -1
 *   objects[] one for each run of neighbouring mappings of one (path, device, inode). An object
 *             that lost all its mappings to another one (objects_claim_moved) is not `loaded`. */
#ifndef PROC_OBJECTS_H
#define PROC_OBJECTS_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "base/notice.h"
#include "base/vec.h"
#include "elf/image.h"
#include "elf/symbols.h"
#include "proc/search.h"

struct proc_map {
	prmap_t pr;
	char *path;     /* malloc'd; as the target names it, decoded, without suffix for deleted
	                 * files; "[stack]" and the like are the kernel's; NULL: anonymous */
	uint64_t dev;   /* as in st_dev; 0: unknown (core) */
	uint64_t inode; /* 0: unknown (core) or anonymous */
	bool deleted;   /* the kernel says that the file has no name any more */
	bool shared;    /* the path belongs to an earlier mapping, which frees it */
	bool moved;     /* other memory, to which this part of the object was copied; path, dev, inode,
	             * deleted and the offset are the file's nevertheless */
	char *was;      /* owned; the path before `moved` was set, or NULL */
	int object;     /* index in objects, -1: no file; set by objects_create */
};

struct proc_maps { /* a VEC */
	struct proc_map *at;
	size_t n, cap;
};
void proc_maps_clear(struct proc_maps *maps); /* frees the paths and the array */

/* Ways to open the files of a process, owned by the objects. Live processes use /proc/PID/root,
 * map_files and exe; cores use the paths of NT_FILE and -e; made-up processes have their own. */
struct proc_files {
	/* Open the file mapped by m, for reading, with O_NONBLOCK, inside the target's root, and
	 * only if it is a regular file. Returns a descriptor, or -1 with f->sys and f->code. The
	 * latter is an enum notice_failure, or PROC_FILE_LATE if `unanswered` gives the reason.
	 * *proven: it is certainly the mapped file (same device and inode, or opened through the
	 * mapping); else the caller compares build-ids. */
	int (*open_mapping)(void *data, const struct proc_map *m, bool *proven, struct fault *f);
	/* True if the file that open_mapping has just opened is used only if a build-id proves that
	 * it is the mapped one. May be NULL: false. */
	bool (*suspect)(void *data);
	/* Open another absolute path inside the same root, such as a debug file. -1: failed. */
	int (*open_path)(void *data, const char *path);
	/* The notice about the i-th file system that has not answered, valid until the next call.
	 * False: there are no more. May be NULL. */
	bool (*unanswered)(void *data, size_t i, struct notice *out);
	void (*destroy)(void *data);
	void *data;
};

enum { PROC_FILE_LATE = -1 };

/* A notice about this target. cmd prints each once. */
struct proc_notice {
	struct notice what; /* what.file is the path of an object, what.detail is `detail` */
	char *detail;       /* owned, or NULL */
};

enum { LOADED_MAX = 4096 };

struct proc_object {
	char *path;                  /* owned; as in proc_map, but "linux-vdso.so.1" for the vdso */
	size_t first, last;          /* its first and last mapping (indices in maps) */
	uintptr_t base;              /* address of the mapping of file offset 0, else of the first */
	uint64_t bias;               /* add to addresses of the file; valid with image */
	struct elf_image *image;     /* NULL: not opened yet, or `tried` without success */
	struct elf_symbols *symbols; /* created on demand, with a debug file if needed */
	struct elf_image *debug;     /* file with debug information if image lacks it; on demand */
	bool debug_tried;
	struct elf_symbols *names; /* without debug file, for lookups by name; NULL: use symbols */
	bool loaded; /* has an executable mapping (or is the vdso): a program or library. At most
	              * LOADED_MAX objects are; further ones are found by address only */
	bool tried;
	bool unverified;         /* file not verified: its headers are not in memory */
	bool from_memory;        /* the image was built from loaded segments */
	enum res mapped_res;     /* of the build-id in memory: RES_OK: mapped has it; */
	struct notice_id mapped; /* RES_NONE: there is none; RES_FAIL: not read (yet) */
};

struct made_codes;

struct proc_objects {
	unsigned refs;
	size_t n_loaded;
	struct proc_maps maps;
	VEC(struct proc_object) objects;
	VEC(struct proc_notice) notices;
	struct proc_files files;
	struct search *search; /* owned; where else files are looked for; NULL: nowhere */
	/* Reads raw bytes of the process, for build-ids and images from memory. hold_share_objects
	 * makes it read from the copy. */
	elf_read_fn *read;
	void *read_data;
	/* The process of which a copy shares these, NULL: they are no copy's; and what it has
	 * registered of code in no file, NULL: not read since the last copy was made. */
	struct ps_prochandle *origin;
	struct made_codes *made;
	const struct arch_libc *libc; /* handle_libc; NULL: it was not asked for */
	bool remembered;              /* objects_remember was called */
	bool claimed;                 /* objects_claim_moved was called */
	bool cut;                     /* from a core that lacks its end, which explains unreadable memory */
	size_t unverified;            /* number of files that were not verified */
	const char *first_unverified; /* path of the first of them */
	bool no_build_ids;            /* illumos has no build-ids: headers are compared */
};

/* Create from maps and files, which it takes over even on failure. NULL: out of memory. */
struct proc_objects *objects_create(
    struct proc_maps *maps, const struct proc_files *files, elf_read_fn *read, void *read_data);
struct proc_objects *objects_ref(struct proc_objects *o);
void objects_unref(struct proc_objects *o); /* NULL ok; frees everything with the last reference */

/* The name of an object none of whose mappings shows its file. */
struct proc_origin {
	char *path;          /* malloc'd */
	uint64_t dev, inode; /* as in struct proc_map; 0 unknown */
	bool deleted;
};

/* Name the object whose ELF header is at lo and whose end is at hi, with this load bias. dynamic:
 * address of its PT_DYNAMIC, 0 if it has none. False: unknown. */
typedef bool objects_name_fn(
    void *data, uint64_t lo, uint64_t hi, uint64_t bias, uint64_t dynamic, struct proc_origin *out);

/* Find text that a program has copied to other memory, such as huge pages, anonymous memory or a
 * memfd, and give it to its object (objects_moved.c). name may be NULL: then objects without any
 * mapping of their file stay unknown. Must be called once, before any object is used, because it
 * may add objects. Reads memory only if there is executable memory that no file is mapped at. */
void objects_claim_moved(struct proc_objects *o, objects_name_fn *name, void *data);

/* The mapping that holds addr, or NULL. */
const struct proc_map *objects_map(const struct proc_objects *o, uintptr_t addr);

/* The object mapped at addr, or NULL (anonymous or unmapped). Opens nothing. */
struct proc_object *objects_at(struct proc_objects *o, uintptr_t addr);

/* The object's ELF image, opened and verified on the first call. RES_NONE: there is none, and the
 * reason was recorded as a notice. A file is used if it is `proven` or if its build-id equals that
 * in the target's memory. Without build-ids it is used, with a notice. If the build-ids differ, the
 * loaded segments are used as an image, with a notice. */
enum res objects_image(struct proc_objects *o, struct proc_object *obj);

/* The object's load bias, from its image or else from the ELF header in memory. RES_NONE: both are
 * missing. */
enum res objects_bias(struct proc_objects *o, struct proc_object *obj, uint64_t *bias);

/* Read now the memory that later calls need, because the process may be gone by then: the first
 * page of each load object (its build-id), the vdso, and loaded segments of deleted files that can
 * no longer be opened. Opens no other file. Further calls do nothing. */
void objects_remember(struct proc_objects *o);

/* The object's symbols, from a separate debug file if the image has no .symtab. NULL: none. */
struct elf_symbols *objects_symbols(struct proc_objects *o, struct proc_object *obj);

/* Open a debug file by its path in the root of the target, else where the user has such files. -1:
 * there is none. */
int objects_open_debug(struct proc_objects *o, const char *path);

/* The object's file with debug information (.debug_info): its image, or the separate debug file,
 * which must match the image. RES_NONE: there is none. Owned by the object. */
enum res objects_debug(struct proc_objects *o, struct proc_object *obj, struct elf_image **out);

/* The symbols of the image itself, or NULL. For a search by name through many objects, where
 * opening a debug file for each would be too expensive. */
struct elf_symbols *objects_names(struct proc_objects *o, struct proc_object *obj);

/* Record a notice unless an equal one is recorded. The file must be the path of an object or NULL;
 * the detail is copied. */
void objects_notice(struct proc_objects *o, const struct notice *notice);

/* Bytes of the file at addr, if addr is in a private read-only mapping of a segment without PF_W,
 * so that memory equals the file. Pread uses them for pages that a core lacks; text is read from
 * them without reading the target. RES_NONE: read memory instead; always so for moved text. Opens
 * the object's image. */
enum res objects_file_bytes(struct proc_objects *o, uintptr_t addr, struct span *out);

#endif
