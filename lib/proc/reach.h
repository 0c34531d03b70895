/* PRIVATE to lib/proc: opening files that belong to somebody else's process or core without waiting for ever.
 *
 * A file on a disk of this machine is opened as it is, at the cost of that. One for which a server or a program has to answer
 * (NFS, FUSE …) is copied into memory by a child (aside.h); where nothing comes of it for `ms` milliseconds, its whole
 * file system is silent, and is not asked again.
 *
 *   look the path up in the kernel's cache ──there, on this root's disk──> open it
 *        │ not cached, or on another
 *   table of mounts: does any of them wait? ──no──> open it
 *        │ yes
 *   is its mount one of them, or are there links on the way? ──no──> open it
 *        │ yes
 *   child: open, copy
 *
 * What a path leads to is known from the table only if no part of it is a symbolic link: so none is followed but by the
 * child. */
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
	int proc; /* /proc/PID, whose mounts are meant; the caller's. -1: this process */
	int root; /* O_PATH descriptor of where absolute paths begin; the caller's. -1: this process's root */
	const char *prefix; /* path of root as the mounts name it, "" when they name it "/"; the caller's */
	int ms;             /* REACH_MS, but for tests */

	bool tabled, own_tabled;
	struct mounts table, own;
	struct mount unnamed;   /* for what is in no table, or behind links */
	char unnamed_at[128];   /* the first such path that got no answer */
	uint64_t shared;        /* device of memory files; 0 not asked yet */
	uint64_t near;          /* device of this process's root; 0 not asked yet, UINT64_MAX unknown */
	uint64_t copied;        /* bytes of all copies */
	struct aside_left left; /* children that nobody answered */
	bool late;              /* the last call had no answer */
};

/* For files of this machine that the user names. */
extern const struct reach reach_here;

struct reach_file {
	uint64_t dev, inode;
	mode_t mode; /* its type alone */
};

/* proc, root, prefix and ms are set, the rest is zero. Frees what was added to it. */
void reach_clear(struct reach *r);

/* Take over what `from` knows of file systems that do not answer, for another look at the same process:
 * they are not asked again. r is new. */
void reach_inherit(struct reach *r, struct reach *from);

/* The regular file at `path`, for reading: a descriptor of it or of a copy, the caller's to close; -1
 * with errno. EINVAL: no regular file. ETIMEDOUT with r->late: its file system does not answer. EFBIG:
 * it would have to be copied, and is larger than REACH_COPY_MAX, or all copies of r would be larger
 * than REACH_COPIES_MAX. `file`, which may be NULL, tells which it is. Links are resolved below
 * r->root. */
int reach_open(struct reach *r, const char *path, struct reach_file *file);

/* The same of a file that may be too large to be copied: it is opened itself, once its file system has
 * answered a read of it. */
int reach_open_itself(struct reach *r, const char *path, struct reach_file *file);

#define REACH_COPY_MAX ((uint64_t)512 << 20)
#define REACH_COPIES_MAX ((uint64_t)1 << 30)

/* The same of a link of /proc that leads to the file itself (exe, map_files/…), relative to the descriptor dir. `dev`: its
 * device by /proc/PID/maps, which names it as the mounts do; that of a btrfs file is another. 0: unknown, the file's own. `want`: no other file than this,
 * which is ENOENT; NULL: any. */
int reach_open_link(struct reach *r, int dir, const char *link, uint64_t dev, const struct reach_file *want);

/* Which file is at path? False: none, or nobody says. */
bool reach_look(struct reach *r, const char *path, struct reach_file *file);

/* May one have to wait for files of this device? And has that been in vain? */
bool reach_dev_waits(struct reach *r, uint64_t dev);
bool reach_dev_silent(struct reach *r, uint64_t dev);
/* It was, elsewhere: files of it are asked for no more. `name`: what was asked for. */
void reach_dev_fall_silent(struct reach *r, uint64_t dev, const char *name);

/* The notice about the i-th file system that did not answer. Its strings are valid until the next call
 * of another function. False: there are no more. */
bool reach_unanswered(const struct reach *r, size_t i, struct notice *out);

#endif
