/* See core_owner.h. The three calls concern the whole process or this thread, which is the only one
 * that opens files. */
#include "proc/core/core_owner.h"

#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/owned.h"
#include "proc/core/core.h"

enum { NOBODY = 65534 };

/* Is this process root in a namespace that a user made without help (unshare -r)? Then it has only
 * that user's rights, and cannot take another's (user_namespaces(7)). */
static bool is_root_by_name(void)
{
	static const char deny[] = { 'd', 'e', 'n', 'y' };
	OWNED(fd_release) int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
	char text[sizeof(deny)];

	return fd >= 0 && read(fd, text, sizeof(text)) == (ssize_t)sizeof(text) &&
	       memcmp(text, deny, sizeof(deny)) == 0;
}

bool core_owner_read(int fd, uid_t *user, gid_t *group)
{
	char text[16], *end;
	unsigned long noted;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return false;
	*user = st.st_uid;
	*group = st.st_gid;
	n = st.st_uid == 0 ? fgetxattr(fd, "user.coredump.uid", text, sizeof(text) - 1) : 0;
	if (n <= 0)
		return true;
	text[n] = '\0';
	noted = strtoul(text, &end, 10);
	if (*end == '\0' && noted != 0 && noted < CORE_NOBODYS) {
		*user = (uid_t)noted;
		*group = NOBODY; /* it is not known */
	}
	return true;
}

struct core_owner core_owner_of(const struct core *core)
{
	struct core_owner owner = { .user = core->user, .group = core->group };

	if (owner.user == CORE_NOBODYS)
		owner.user = owner.group = NOBODY;
	if (owner.user == 0 && core->has_psinfo) {
		owner.user = core->psinfo.pr_uid;
		owner.group = NOBODY; /* it is not known */
	}
	owner.other = owner.user != 0 && geteuid() == 0 && !is_root_by_name();
	return owner;
}

/* setfsuid(2) and setfsgid(2) tell of no error: an invalid id is a question. */
static bool is_fs_user(uid_t user)
{
	return (uid_t)setfsuid((uid_t)-1) == user;
}

static bool is_fs_group(gid_t group)
{
	return (gid_t)setfsgid((gid_t)-1) == group;
}

bool core_owner_enter(const struct core_owner *owner, struct core_self *self)
{
	self->changed = false;
	self->n = getgroups(CORE_OWNER_GROUPS, self->groups);
	if (self->n < 0 || setgroups(0, NULL) != 0)
		return false;
	self->changed = true;
	self->group = (gid_t)setfsgid(owner->group);
	(void)setfsuid(owner->user);
	if (is_fs_user(owner->user) && is_fs_group(owner->group))
		return true;
	core_owner_leave(self);
	return false;
}

void core_owner_leave(struct core_self *self)
{
	if (!self->changed)
		return;
	self->changed = false;
	(void)setfsuid(0);
	(void)setfsgid(self->group);
	(void)setgroups((size_t)self->n, self->groups);
}
