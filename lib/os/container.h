/* The container of a process, by its control group. linux_container.c, illumos.c. */
#ifndef OS_CONTAINER_H
#define OS_CONTAINER_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"

enum { CONTAINER_ID = 128, CONTAINER_POD = 40 };

struct os_container {
	const char *runtime;     /* "docker" and the like; NULL: unknown */
	char id[CONTAINER_ID];   /* or its name, where it has no id; as in the target, not escaped */
	char pod[CONTAINER_POD]; /* the uid of a pod of Kubernetes; "": none */
};

/* The container of the live process P. always: even if it has this program's pid namespace, as few
 * containers have; without it nothing is read for such processes. RES_NONE: there is none, or it is
 * unknown. */
enum res os_container(struct ps_prochandle *P, bool always, struct os_container *out);

/* The innermost container that the text of /proc/PID/cgroup names. False: it names none. */
bool os_container_parse(const char *cgroup, struct os_container *out);

#endif
