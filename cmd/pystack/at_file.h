/* Files of a process in which probes are set. */
#ifndef PYSTACK_AT_FILE_H
#define PYSTACK_AT_FILE_H

#include <libproc.h>
#include <stdbool.h>

/* The path from here of `file`, malloc'd: of one that P has mapped, given by its base name or by
 * the path that P sees, or by a link to it there or in its directory; else `file` itself. NULL: out
 * of memory. */
char *at_file_path(struct ps_prochandle *P, const char *file);

/* True if P has mapped the file at `path`, under whatever name. */
bool at_file_is_mapped(struct ps_prochandle *P, const char *path);

#endif
