/* See at_namespace.h. */
#include "at_namespace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint32_t initial = 0xeffffffcu; /* include/linux/proc_ns.h, PROC_PID_INIT_INO */

enum res at_namespace_find(uint32_t *out, struct fault *f)
{
	char self[32] = "";
	struct stat st;
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	if (n <= 0 || stat("/proc/self/ns/pid", &st) != 0)
		return fault_set(f, 0, 0, 0, "/proc is not mounted (mount -t proc proc /proc)");
	if (strtol(self, NULL, 10) != (long)getpid())
		return fault_set(f, 0, 0, 0,
		    "/proc is that of another pid namespace (mount -t proc proc /proc, in a mount "
		    "namespace)");
	*out = (uint32_t)st.st_ino == initial ? 0 : (uint32_t)st.st_ino;
	return RES_OK;
}
