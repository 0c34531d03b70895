/* PRIVATE to lib/proc (and lib/os): a live process of Linux, through /proc and ptrace.
 *
 *   live.c        Pgrab and the backend's table
 *   live_info.c   stat, status, cmdline, auxv, the list of LWPs
 *   live_maps.c   maps
 *   live_files.c  files of the mappings, opened inside the target's root
 *   live_read.c   memory
 *   live_wary.c   memory that somebody else has to provide
 *   live_access.c why the kernel refuses access
 *   hold.c        stopping and releasing (with hold_lwp.c, hold_regs.c, hold_urgent.c)
 *   hold_lock.c   one tool at a time
 *
 * /proc/PID is opened once, as a directory. Look-ups below that descriptor always find that process
 * or nothing, never a later process with the same pid. */
#ifndef PROC_LIVE_H
#define PROC_LIVE_H

#include <libproc.h>
#include <stdbool.h>

#include "proc/handle.h"
#include "base/fault.h"
#include "proc/aside.h"
#include "proc/live/hold.h"
#include "proc/objects.h"

struct live_files;

/* Grab the process of P, a live one, again by Pgrab. File systems that did not answer are not used
 * again. */
struct ps_prochandle *live_grab_again(struct ps_prochandle *P, int flags, int *perr);

/* A mapping whose pages may have to come from somebody who does not answer. */
struct live_wary {
	uintptr_t lo, hi;
	uint64_t dev; /* device of its file */
	bool late;    /* nobody answered: absent pages are not read any more */
};

struct live_stat { /* proc(5), /proc/PID/stat */
	char state;
	char comm[64];
	pid_t ppid;
	unsigned long flags;
	int nlwp;
};

struct live_status { /* proc(5), /proc/PID/status */
	pid_t tgid;
	pid_t tracer; /* TracerPid; 0: none, or not visible from here */
	uid_t uid[4]; /* real, effective, saved, file system */
	pid_t inner;  /* last number of NSpid, in the innermost pid namespace; 0: unknown */
	uint64_t cap_permitted, cap_effective;
	int seccomp; /* 0: none, 1: strict, 2: filter */
};

struct live {
	pid_t pid;
	int dir;                    /* /proc/PID: task, stat, status */
	int mm_dir;                 /* has maps, mem, exe and root: dir, unless the main thread has exited */
	pid_t mm_pid;               /* the id of its LWP */
	int mem;                    /* /proc/PID/mem, read-only */
	int pagemap;                /* /proc/PID/pagemap if `wary` is not empty, else -1 */
	VEC(struct live_wary) wary; /* ascending; mostly empty */
	bool served;                /* a userfaultfd(2), whose holder may not answer, may provide pages */
	bool is_32bit;              /* an i386 program */
	struct live_stat stat;      /* while `checked`: these two files, as Pgrab has read them */
	struct live_status status;
	bool checked;
	uint64_t code;            /* live_code_token of the mappings that the handle has */
	struct live_files *files; /* owned by the handle's objects */
	struct hold own;          /* Pgrab's hold */
	bool locked;              /* somebody holds the lock of hold_lock.h permanently */
	int turn_ms;              /* for which that lock was waited for in vain */
	struct hold *holding;     /* the hold in force: own, or of hold_lwps; NULL: none */
};

/* The live backend's data; NULL: P is not a live process. */
static inline struct live *live_of(struct ps_prochandle *P)
{
	return P != NULL && P->backend.kind == HANDLE_LIVE ? P->data : NULL;
}

/* The G_ code for an errno of opening or reading below /proc/PID. */
int live_code_of_errno(int error);

/* --- live_info.c: paths are relative to dir; RES_NONE: there is no such process or LWP (any more);
 * RES_FAIL: unreadable, with errno in *sys (may be NULL) --- */

enum { LIVE_PF_KTHREAD = 0x00200000 }; /* Linux include/linux/sched.h; in the flags field of stat */

/* Read the file `stat` or `status` of a process or LWP. */
enum res live_stat_read(int dir, const char *path, struct live_stat *out, int *sys);
enum res live_status_read(int dir, const char *path, struct live_status *out, int *sys);

/* Write "task/TID/leaf" to path[LIVE_PATH]. */
enum { LIVE_PATH = 48 };
void live_lwp_path(char *path, lwpid_t id, const char *leaf);

struct live_ids { /* a VEC */
	lwpid_t *at;
	size_t n, cap;
};
/* Append the TIDs in dir's task directory, in its order, which is that of creation. */
enum res live_ids_read(int dir, struct live_ids *ids);

/* The process's stat. While live->checked, what Pgrab has read. */
enum res live_stat_of(const struct live *live, struct live_stat *out);
enum res live_psinfo(const struct live *live, psinfo_t *out);

/* Append the whole command line: each argument is followed by a NUL. RES_NONE: it has none, or it
 * cannot be read. */
enum res live_arguments(const struct live *live, struct strbuf *out);
enum res live_name(int dir, lwpid_t id, char *buf, size_t n); /* without the newline */

/* *out is malloc'd. *is_32bit: the program's words have 32 bits. RES_NONE: the process has no
 * memory (any more). */
enum res live_auxv(const struct live *live, auxv_t **out, int *n, bool *is_32bit);

/* PR_MODEL_* of the program. */
char live_model(const struct live *live);

/* --- live_maps.c --- */

/* Append all mappings in mm_dir's maps. `files` decides whether a name really ends in " (deleted)".
 * *code: their live_code_token. RES_NONE: the process is gone or has no memory. */
enum res live_maps_read(
    int mm_dir, struct live_files *files, struct proc_maps *maps, uint64_t *code, struct fault *f);

/* A number that changes with the mappings of code in the text of maps. */
enum { LIVE_MAPS_MAX = 256 << 20 }; /* bytes of such a text */
uint64_t live_code_token(const char *text, size_t n);

/* --- live_files.c --- */

/* Open mm_dir's root, and keep a copy of mm_dir. before: the files of an earlier handle of the same
 * process, or NULL; file systems that did not answer it are not used again. */
enum res live_files_create(int mm_dir, struct live_files *before, struct live_files **out, struct fault *f);
void live_files_destroy(void *files); /* NULL ok */
/* Open the files that will be unreachable once the process is gone: deleted files with executable
 * mappings. */
void live_files_keep(struct live_files *files, const struct proc_maps *maps);
/* The interface for objects. Its destroy is live_files_destroy. */
struct proc_files live_files_interface(struct live_files *files);
/* True if the absolute path, inside the target's root, leads to the file with this device and
 * inode. `any_dev`: compare only the inode, because overlay file systems have another device in
 * maps. */
bool live_files_same(struct live_files *files, const char *path, uint64_t dev, uint64_t inode, bool any_dev);
/* Path of the target's root as seen from here, a prefix of names in maps; "": the same root. */
const char *live_files_root(const struct live_files *files);
/* Open the executable for reading. -1: failed. */
int live_files_open_exe(struct live_files *files);
/* For memory that has to be fetched: true if files of this device may have to be waited for. */
bool live_files_waits(struct live_files *files, uint64_t dev);
/* True if a wait for such a file has failed. */
bool live_files_late(struct live_files *files, uint64_t dev);
/* Record that a wait failed, for the memory at va. */
void live_files_set_late(struct live_files *files, uint64_t dev, uintptr_t va);
/* The longest wait, in milliseconds. */
int live_files_patience(const struct live_files *files);
/* Children that wait in vain. */
struct aside_left *live_files_left(struct live_files *files);

/* --- live_read.c --- */

/* Read up to n bytes at va, up to the first unreadable byte; 0: none is readable. The process may
 * run. */
ssize_t live_read(const struct live *live, void *buf, size_t n, uintptr_t va);

/* True if processes of this machine can have memory that a userfaultfd provides. False if the
 * system does not say. */
bool live_read_may_be_served(void);

/* Read many pieces in few calls. `got` of each is what live_read would return. */
enum { LIVE_PIECES = 64 };
struct live_piece {
	void *to;
	size_t n;
	uintptr_t va;
	size_t got;
};
void live_read_pieces(const struct live *live, struct live_piece *pieces, size_t n);

/* --- live_wary.c --- */

/* Fill live->wary, which must be empty. RES_FAIL: no memory. */
enum res live_wary_find(struct live *live, const struct proc_maps *maps);
/* True if any part of [va, va + n) is wary. */
bool live_is_wary(const struct live *live, uintptr_t va, size_t n);
/* Read memory. Pages that are present, or that need no care, are read by `now`. Absent pages are
 * waited for, for a bounded time; while the process is held they are not read. Returns like
 * live_read. */
typedef size_t live_now_fn(const struct live *live, void *buf, size_t n, uintptr_t va);
size_t live_read_wary(const struct live *live, void *buf, size_t n, uintptr_t va, live_now_fn *now);

/* True if the pid that live_read uses still belongs to the grabbed process, with the same memory.
 * False: it has exited or executed another program. Called after a read, it confirms that read and
 * all before it. */
bool live_same_memory(const struct live *live);
/* Like live_read, but slower and only from the memory of the grabbed process. */
ssize_t live_read_same(const struct live *live, void *buf, size_t n, uintptr_t va);

#endif
