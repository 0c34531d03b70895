/* PRIVATE to lib/proc: opening files of somebody else's process or core without waiting for ever.
 *
 * A file on a disk of this machine is opened directly, at no further cost. A file that a server or
 * a program provides (NFS, FUSE …) is copied into memory by a child (aside.h). If the child makes
 * no progress for `ms` milliseconds, the whole file system counts as silent and is not used again.
 *
 *   look the path up in the kernel's cache ──there, on this root's disk──> open it
 *        │ not cached, or on another
 *   table of mounts: does any of them wait? ──no──> open it
 *        │ yes
 *   is its mount one of them, or are there links on the way? ──no──> open it
 *        │ yes
 *   child: open, copy
 *
 * The table shows where a path leads only if no part of it is a symbolic link. So only the child
 * follows links. */
#ifndef PROC_REACH_H
#define PROC_REACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/notice.h"
#include "proc/aside.h"
#include "proc/mounts.h"

enum { REACH_MS = 1000 };

struct reach {
	int proc; /* /proc/PID of the process with these mounts, owned by the caller; -1: this process */
	int root; /* O_PATH descriptor of the root of absolute paths, owned by the caller; -1: this
	           * process's */
	const char *prefix; /* path of root in the mounts, "" for "/"; owned by the caller */
	int ms;             /* REACH_MS, except in tests */

	bool tabled, own_tabled;
	struct mounts table, own;
	struct mount unnamed; /* for files that are in no table, or reached by links */
	char unnamed_at[128]; /* the first such path without an answer; "": a file mapped at unnamed_va */
	uint64_t unnamed_va;
	uint64_t shared;        /* device of memory files; 0: not read yet */
	uint64_t near;          /* device of this process's root; 0: not read yet; UINT64_MAX: unknown */
	uint64_t copied;        /* total size of all copies, in bytes */
	struct aside_left left; /* children without an answer */
	bool late;              /* the last call got no answer */
};

/* For files of this machine that the user names. */
extern const struct reach reach_here;

struct reach_file {
	uint64_t dev, inode;
	mode_t mode; /* its type only */
};

/* Free what was added to r. At first proc, root, prefix and ms are set and the rest is zero. */
void reach_clear(struct reach *r);

/* Take over the marks of silent file systems from an earlier reach of the same process, so that
 * they are not used again. r is new. */
void reach_inherit(struct reach *r, struct reach *from);

/* Open the regular file at `path` for reading. Returns a descriptor of it or of a copy, which the
 * caller closes; -1 with errno. EINVAL: not a regular file. ETIMEDOUT with r->late: its file system
 * does not answer. EFBIG: it has to be copied and is larger than REACH_COPY_MAX, or all copies of r
 * would be larger than REACH_COPIES_MAX. `file`, which may be NULL, is set to its device and inode.
 * Links are resolved below r->root. */
int reach_open(struct reach *r, const char *path, struct reach_file *file);

/* The same for a file that may be too large to copy. The file itself is opened, after its file
 * system has answered a read of it. */
int reach_open_itself(struct reach *r, const char *path, struct reach_file *file);

#define REACH_COPY_MAX ((uint64_t)512 << 20)
#define REACH_COPIES_MAX ((uint64_t)1 << 30)

/* The same for a link in /proc that leads to the file itself (exe, map_files/…), relative to the
 * descriptor dir. dev: the file's device in /proc/PID/maps, which is that of the mounts, whereas a
 * btrfs file has another one; 0: unknown, use the file's. want: the only file to open, else ENOENT;
 * NULL: any. */
int reach_open_link(struct reach *r, int dir, const char *link, uint64_t dev, const struct reach_file *want);

/* The file at path. False: there is none, or no answer. */
bool reach_look(struct reach *r, const char *path, struct reach_file *file);

/* The same for what has that name itself, be it a link, if the kernel need not ask a file system
 * for it, as after an open of it. */
bool reach_look_itself(struct reach *r, const char *path, struct reach_file *file);

/* True if files of this device may have to be waited for, and if such a wait has failed. */
bool reach_dev_waits(struct reach *r, uint64_t dev);
bool reach_dev_silent(struct reach *r, uint64_t dev);
/* Record that a wait failed elsewhere, for the file mapped at va, so that files of the device are
 * not used again. */
void reach_dev_fall_silent(struct reach *r, uint64_t dev, uint64_t va);

/* The notice about the i-th file system that did not answer. Its strings are valid until the next
 * call of another function. False: there are no more. */
bool reach_unanswered(const struct reach *r, size_t i, struct notice *out);

#endif
