/* See stored.h. */
#include "proc/stored.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* File systems whose files are kernel functions. Numbers: Linux include/uapi/linux/magic.h, and for
 * file systems that it lacks their sources (configfs, mqueue, rpc_pipefs, nfsd, fusectl). */
static bool is_made_up(uint32_t type)
{
	static const uint32_t types[] = {
		0x9fa0,     /* proc */
		0x62656572, /* sysfs */
		0x64626720, /* debugfs */
		0x74726163, /* tracefs */
		0x73636673, /* securityfs */
		0x27e0eb,   /* cgroup */
		0x63677270, /* cgroup2 */
		0xcafe4a11, /* bpf */
		0x6165676c, /* pstore */
		0xde5e81e4, /* efivarfs */
		0x62656570, /* configfs */
		0xf97cff8c, /* selinuxfs */
		0x43415d53, /* smackfs */
		0x42494e4d, /* binfmt_misc */
		0x42494e44, /* binder */
		0x7655821,  /* resctrl */
		0x6e736673, /* nsfs */
		0x19800202, /* mqueue */
		0x67596969, /* rpc_pipefs */
		0x6e667364, /* nfsd */
		0x65735543, /* fusectl */
		0x1cd1,     /* devpts */
		0x9fa1,     /* openprom */
		0x9fa2,     /* usbdevice */
		0xabba1974, /* xenfs */
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i] == type)
			return true;
	}
	return false;
}

int stored_check(int path_fd, struct stat *st)
{
	struct statfs fs;

	if (fstat(path_fd, st) != 0)
		return -1;
	if (!S_ISREG(st->st_mode)) {
		errno = EINVAL;
		return -1;
	}
	/* Such file systems have no device. (fstatfs fails for O_PATH before Linux 3.12.) */
	if (major(st->st_dev) == 0 && fstatfs(path_fd, &fs) == 0 && is_made_up((uint32_t)fs.f_type)) {
		errno = ENOTSUP;
		return -1;
	}
	return 0;
}
