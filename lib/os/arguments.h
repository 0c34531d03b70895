/* The command line of a process. linux.c, illumos.c. */
#ifndef OS_ARGUMENTS_H
#define OS_ARGUMENTS_H

#include <libproc.h>

#include "base/fault.h"
#include "base/strbuf.h"

/* Append the whole command line of P, a process that was grabbed (not captured) or a core, of which
 * pr_psargs has the first 79 bytes: each argument is followed by a NUL, the last one perhaps not.
 * RES_NONE: no more than pr_psargs is known; *out is unchanged unless memory ran out. */
enum res os_arguments(struct ps_prochandle *P, struct strbuf *out);

#endif
