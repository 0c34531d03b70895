/* The cores that systemd-coredump stores, by the names of their files, without its journal. */
#ifndef PYSTACK_CORE_STORAGE_H
#define PYSTACK_CORE_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#define CORE_STORAGE "/var/lib/systemd/coredump"

enum { CORE_PROGRAM = 16 };

/* What the name of a stored core says: core.PROGRAM.UID.BOOT.PID.TIME[.zst]. */
struct stored_core {
	char program[CORE_PROGRAM * 4]; /* as the kernel calls it, at most 15 bytes */
	unsigned long uid, pid;
	uint64_t us; /* microseconds since the epoch */
};

/* False: it is not such a name. */
bool stored_core_parse(const char *file, struct stored_core *out);

/* True if the core is what `which` asks for: "last", a pid, or a program, with or without its
 * version. */
bool stored_core_is(const struct stored_core *core, const char *which);

/* The newest stored core that `which` asks for, below sysroot (NULL: this machine). A line on
 * stderr says which it is. Returns its path, which the caller frees; NULL: a message was
 * printed. */
char *core_storage_find(const char *sysroot, const char *which);

#endif
