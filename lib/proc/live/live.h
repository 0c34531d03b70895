/* PRIVATE to lib/proc (and lib/os): a live process of Linux, through /proc and ptrace.
 *
 *   live.c        Pgrab and the backend's table
 *   live_info.c   stat, status, cmdline, auxv, the list of LWPs
 *   live_maps.c   maps
 *   live_files.c  the files behind the mappings, opened inside the target's root
 *   live_read.c   memory
 *   live_wary.c   memory whose reader may have to wait for somebody
 *   live_access.c why the kernel refuses
 *   hold.c        stopping and letting go
 *   hold_lock.c   one tool at a time
 *
 * /proc/PID is opened once, as a directory: what is looked up below that descriptor is always the
 * process that was there at that moment, or nothing; never one that got its number later. */
#ifndef PROC_LIVE_H
#define PROC_LIVE_H

#include <libproc.h>
#include <stdbool.h>

#include "proc/handle.h"
#include "base/fault.h"
#include "proc/live/hold.h"
#include "proc/objects.h"

struct live_files;

/* A mapping whose pages may have to be fetched from somebody who does not answer. */
struct live_wary {
	uintptr_t lo, hi;
	uint64_t dev; /* of its file */
	bool late;    /* nobody has answered; pages that are not there are tried no more */
};

struct live {
	pid_t pid;
	int dir;      /* /proc/PID: task, stat, status */
	int mm_dir;   /* where maps, mem, exe, root are: like dir, unless the main thread has exited */
	pid_t mm_pid; /* its number */
	int mem;      /* /proc/PID/mem, read-only */
	int pagemap;  /* /proc/PID/pagemap, where there is something wary; -1 */
	VEC(struct live_wary) wary; /* ascending; mostly none */
	bool served;                /* a userfaultfd(2) may provide pages, its holder may not answer */
	bool narrow;                /* an i386 program */
	struct live_files *files;   /* owned by the handle's objects */
	struct hold own;            /* Pgrab's, when it stops */
	bool locked;                /* somebody has the lock of hold_lock.h all the time */
	struct hold *holding;       /* the hold in force, own or of hold_lwps; NULL none */
};

/* The live backend's data, NULL when P is no live process. */
static inline struct live *live_of(struct ps_prochandle *P)
{
	return P != NULL && P->backend.kind == HANDLE_LIVE ? P->data : NULL;
}

/* The G_ code for an errno of opening or reading in /proc/PID. */
int live_code_of_errno(int error);

/* --- live_info.c: paths are relative to dir; RES_NONE: there is no such process or LWP (any more);
 * RES_FAIL: cannot be read, errno in *sys (may be NULL) --- */

enum { LIVE_PF_KTHREAD = 0x00200000 }; /* Linux include/linux/sched.h; in the flags field of stat */

struct live_stat { /* proc(5), /proc/PID/stat */
	char state;
	char comm[64];
	pid_t ppid;
	unsigned long flags;
	int nlwp;
};
enum res live_stat_read(int dir, const char *path, struct live_stat *out, int *sys);

struct live_status { /* proc(5), /proc/PID/status */
	pid_t tgid;
	pid_t tracer; /* TracerPid, 0 none (or one that is not visible from here) */
	uid_t uid[4]; /* real, effective, saved, file system */
	pid_t inner;  /* last number of NSpid: in the innermost pid namespace; 0 unknown */
	uint64_t cap_permitted, cap_effective;
	int seccomp; /* 0 none, 1 strict, 2 filter */
};
enum res live_status_read(int dir, const char *path, struct live_status *out, int *sys);

/* A TID's stat and so on: "task/TID/leaf" into path[LIVE_PATH]. */
enum { LIVE_PATH = 48 };
void live_lwp_path(char *path, lwpid_t id, const char *leaf);

struct live_ids { /* a VEC */
	lwpid_t *at;
	size_t n, cap;
};
/* Append the TIDs of dir's task directory, in its order (creation). */
enum res live_ids_read(int dir, struct live_ids *ids);

enum res live_psinfo(const struct live *live, psinfo_t *out);
enum res live_name(int dir, lwpid_t id, char *buf, size_t n); /* without the newline */

/* malloc'd. *narrow: it is a program of 32-bit words. RES_NONE: the process has no memory (any more). */
enum res live_auxv(const struct live *live, auxv_t **out, int *n, bool *narrow);

/* PR_MODEL_* of the program. */
char live_model(const struct live *live);

/* --- live_maps.c --- */

/* Append all mappings of mm_dir's maps. `files` decides doubtful names (a name that really ends in
 * " (deleted)"). RES_NONE: the process is gone or has no memory. */
enum res live_maps_read(int mm_dir, struct live_files *files, struct proc_maps *maps, struct fault *f);

/* --- live_files.c --- */

/* Opens mm_dir's root (and keeps a copy of mm_dir). */
enum res live_files_create(int mm_dir, struct live_files **out, struct fault *f);
void live_files_destroy(void *files); /* NULL ok */
/* Open what will be unreachable once the process is gone: files of executable mappings that were deleted. */
void live_files_keep(struct live_files *files, const struct proc_maps *maps);
/* As the objects want it; files stays the owner of itself until destroy is called. */
struct proc_files live_files_interface(struct live_files *files);
/* Is the file at the absolute path, inside the target's root, the one with this device and inode?
 * `any_dev`: the inode number alone is enough (overlay file systems report another device in maps). */
bool live_files_same(struct live_files *files, const char *path, uint64_t dev, uint64_t inode, bool any_dev);
/* Where the target's root is as seen from here, "" when it is the same: prefix of the names in maps. */
const char *live_files_root(const struct live_files *files);

/* The executable, for reading; -1: it is not to be had. */
int live_files_open_exe(struct live_files *files);
/* For memory that has to be fetched: may one have to wait for files of this device? Was it in vain? Say that it was, at va;
 * ms to wait. */
bool live_files_waits(struct live_files *files, uint64_t dev);
bool live_files_late(struct live_files *files, uint64_t dev);
void live_files_set_late(struct live_files *files, uint64_t dev, uintptr_t va);
int live_files_patience(const struct live_files *files);

/* --- live_read.c --- */

/* Up to n bytes at va; stops exactly at the first unreadable one. 0: nothing readable. Works whether or
 * not the process is stopped. */
ssize_t live_read(const struct live *live, void *buf, size_t n, uintptr_t va);

/* May a process of this machine have memory that a userfaultfd provides? Where the system does not say, none is assumed to. */
bool live_read_may_be_served(void);

/* Many pieces in few calls: `got` of each is what live_read would return. */
enum { LIVE_PIECES = 64 };
struct live_piece {
	void *to;
	size_t n;
	uintptr_t va;
	size_t got;
};
void live_read_pieces(const struct live *live, struct live_piece *pieces, size_t n);

/* --- live_wary.c --- */

/* Fill live->wary, which is empty. RES_FAIL: no memory. */
enum res live_wary_find(struct live *live, const struct proc_maps *maps);
/* Has [va, va + n) anything of it? */
bool live_is_wary(const struct live *live, uintptr_t va, size_t n);
/* Read by `now` what is there or needs no care; what has to be fetched is waited for a bounded time, and not at all while the process
 * is held. Returns as live_read does. */
typedef size_t live_now_fn(const struct live *live, void *buf, size_t n, uintptr_t va);
size_t live_read_wary(const struct live *live, void *buf, size_t n, uintptr_t va, live_now_fn *now);

/* live_read goes by the process's number. Is that still the process that was grabbed, with the memory it had then?
 * False: it has exited, or executes another program. Asked after reading, it vouches for all that was read. */
bool live_same_memory(const struct live *live);
/* As live_read, but of that memory and no other's; slower. */
ssize_t live_read_same(const struct live *live, void *buf, size_t n, uintptr_t va);

#endif
