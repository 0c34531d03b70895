/* PRIVATE to lib/proc: what the owner of a core may read.
 *
 * A core is a file of its owner, who can name any path in it. pystack as root would open what the
 * owner may not read, and print names of it. So root looks with the owner's rights first: file
 * system ids and groups are those of the owner meanwhile, capabilities are off (setfsuid(2)), and
 * the kernel decides, by modes, directories on the way and access control lists. */
#ifndef PROC_CORE_OWNER_H
#define PROC_CORE_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

struct core;

struct core_owner {
	bool other; /* another user than root, and pystack is root */
	uid_t user;
	gid_t group;
};

/* A core that came through a pipe has no owner. */
#define CORE_NOBODYS ((uid_t)-1)

/* The user and group that own the core in the file at fd: the file's or, if that is root's, those
 * of the process, which systemd-coredump notes at it (attribute user.coredump.uid). False with
 * errno. */
bool core_owner_read(int fd, uid_t *user, gid_t *group);

/* Whose rights limit the files of a core: its owner's. If that is root, the process's user, which
 * the core claims, limits them further: it never adds rights, since any core may claim to be root's
 * (and one of a process that is root in a user namespace does). Files of a core without an owner
 * are those that nobody in particular may read. */
struct core_owner core_owner_of(const struct core *core);

struct ps_prochandle;

/* Pfgrab_core of a copy: the owner is the original's (user, group; CORE_NOBODYS: unknown). */
struct ps_prochandle *core_grab_of(int fd, const char *aout, const struct core_owner *owner, int *perr);

enum { CORE_OWNER_GROUPS = 256 };

struct core_self {
	gid_t groups[CORE_OWNER_GROUPS];
	int n;
	gid_t group;
	bool changed;
};

/* Take the owner's rights for files, and keep one's own in *self. False: that is not possible, and
 * nothing has changed. Call core_owner_leave in either case. */
bool core_owner_enter(const struct core_owner *owner, struct core_self *self);
void core_owner_leave(struct core_self *self);

#endif
