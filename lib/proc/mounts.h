/* PRIVATE to lib/proc: which file systems a process sees, and which of them may keep a reader waiting for ever.
 *
 * proc(5), /proc/PID/mountinfo: a line a mount, paths as the process sees them, with blank, tab, newline and
 * backslash as \040, \011, \012 and \134:
 *
 *   36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 *   id parent dev root point options optional… - type source options
 *
 * To read it waits for nobody, in contrast to anything that looks at the file systems themselves. */
#ifndef PROC_MOUNTS_H
#define PROC_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/vec.h"

struct mount {
	const char *point, *type, *source; /* decoded; they live as long as the table */
	uint64_t dev;                      /* as in st_dev */
	bool waits;                        /* a server, a program or something unknown answers for it */
	bool silent;                       /* it did not: the user of the table sets it */
	const char *layers;                /* of an overlay: its options; else NULL */
};

struct mounts {
	char *text;
	VEC(struct mount) at; /* in the file's order */
	bool waits;           /* one of them does */
	bool overlays;        /* one of them is one */
};
#define MOUNTS_EMPTY            \
	{                       \
		.at = VEC_EMPTY \
	}

/* Read the file at path below the descriptor dir. RES_FAIL: it cannot be read, and the table is empty. */
enum res mounts_read(int dir, const char *path, struct mounts *out);

/* The same of a text from malloc, which is the table's from now on. Lines that are not as above are left out. */
enum res mounts_parse(char *text, struct mounts *out);

/* Overlays of m whose layers wait by `below`, the table of another process, wait, too. */
void mounts_judge_overlays(struct mounts *m, struct mounts *below);

void mounts_clear(struct mounts *m);

/* The mount that the absolute path lies in, if no part of it is a symbolic link: the one with the longest point, the last of
 * several. NULL: none, as in an empty table. */
struct mount *mounts_of_path(struct mounts *m, const char *path);

/* A mount of this device, NULL: there is none. All mounts of one device have the same type. */
struct mount *mounts_of_dev(struct mounts *m, uint64_t dev);

#endif
