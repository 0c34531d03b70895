/* See landlock.h. Older headers lack parts of <linux/landlock.h>, so it is not included: the
 * layouts and numbers are those of Linux include/uapi/linux/landlock.h. */
#include "os/landlock.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/owned.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { VERSION = 1, PATH_BENEATH = 1 };

struct ruleset {
	uint64_t files, network, scoped;
};

struct beneath {
	uint64_t files;
	int32_t dir;
} __attribute__((packed));

/* LANDLOCK_ACCESS_FS_… */
enum { WRITE_FILE = 1 << 1, FIRST_CHANGE = 4, LAST_CHANGE = 12, REFER = 1 << 13, TRUNCATE = 1 << 14 };

static uint64_t write_access(long version)
{
	uint64_t access = WRITE_FILE;

	for (int i = FIRST_CHANGE; i <= LAST_CHANGE; i++)
		access |= (uint64_t)1 << i;
	if (version >= 2)
		access |= REFER;
	return version >= 3 ? access | TRUNCATE : access;
}

void landlock_reading_only(const char *dir)
{
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION);
	struct ruleset set = { .files = version > 0 ? write_access(version) : 0 };
	/* Each version knows only its own members. */
	size_t size = offsetof(struct ruleset, network);
	OWNED(fd_release) int rules = -1;
	OWNED(fd_release) int at = -1;

	if (version <= 0)
		return;
	if (version >= 4) {
		set.network = 3; /* binding and connecting by TCP */
		size = offsetof(struct ruleset, scoped);
	}
	if (version >= 6) {
		set.scoped = 3; /* abstract sockets and signals */
		size = sizeof(set);
	}
	rules = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (rules < 0)
		return;
	at = dir == NULL ? -1 : open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at >= 0) {
		const struct beneath allowed = { set.files, at };

		(void)syscall(SYS_landlock_add_rule, rules, PATH_BENEATH, &allowed, 0);
	}
	(void)syscall(SYS_landlock_restrict_self, rules, 0);
}
