/* PRIVATE to lib/proc: the file systems that a process sees, and which of them may keep a reader
 * waiting for ever.
 *
 * proc(5), /proc/PID/mountinfo has one line per mount. Paths are those that the process sees, with
 * space, tab, newline and backslash as \040, \011, \012 and \134:
 *
 *   36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 *   id parent dev root point options optional… - type source options
 *
 * Reading it never waits, unlike any look at the file systems themselves. */
#ifndef PROC_MOUNTS_H
#define PROC_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/vec.h"

struct mount {
	const char *point, *type, *source; /* decoded; valid as long as the table */
	uint64_t dev;                      /* as in st_dev */
	bool waits;                        /* a server, a program or an unknown type provides its files */
	bool silent;                       /* it did not answer; set by the user of the table */
	const char *layers;                /* options of an overlay; else NULL */
};

struct mounts {
	char *text;
	VEC(struct mount) at; /* in the file's order */
	bool waits;           /* some mount waits */
	bool overlays;        /* some mount is an overlay */
};
#define MOUNTS_EMPTY            \
	{                       \
		.at = VEC_EMPTY \
	}

/* Read the file at path relative to the descriptor dir. RES_FAIL: unreadable; the table is
 * empty. */
enum res mounts_read(int dir, const char *path, struct mounts *out);

/* Parse a malloc'd text, which the table takes over. Other lines than the above are left out. */
enum res mounts_parse(char *text, struct mounts *out);

/* Set `waits` of the overlays in m that have a layer on a waiting mount of `below`, which is the
 * table of another process. */
void mounts_judge_overlays(struct mounts *m, struct mounts *below);

/* Free what *m has; it is an empty table then. */
void mounts_clear(struct mounts *m);

/* The mount that holds the absolute path, if no part of the path is a symbolic link: the mount with
 * the longest point, and of several the last one. NULL: none, as in an empty table. */
struct mount *mounts_of_path(struct mounts *m, const char *path);

/* A mount of this device; NULL: none. All mounts of one device have the same type. */
struct mount *mounts_of_dev(struct mounts *m, uint64_t dev);

#endif
