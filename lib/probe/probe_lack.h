/* PRIVATE to lib/probe: what a system lacks on which BPF programs cannot be loaded. */
#ifndef PROBE_PROBE_LACK_H
#define PROBE_PROBE_LACK_H

#include <stdbool.h>

#include "base/fault.h"

/* Set f to what is missing, as loading or attaching a program has failed with this error number.
 * Returns RES_FAIL. */
enum res probe_lack(struct fault *f, int error);

/* True if the text of /sys/kernel/security/lockdown says that programs may not read the kernel's
 * memory. */
bool probe_lack_locked(const char *text);

/* True if this release of Linux (uname -r) is older than 5.17. */
bool probe_lack_old(const char *release);

#endif
