/* PRIVATE to lib/proc: the mappings and files of a process that is known by functions only. */
#ifndef PROC_OPS_H
#define PROC_OPS_H

#include "proc/handle.h"

/* Mappings by pop_read_maps, sorted by address, names as paths. RES_NONE: the backend has none to
 * give; RES_FAIL: it gave nonsense, or no memory. *maps may hold some of them in any case. */
enum res ops_read_maps(struct ps_prochandle *P, struct proc_maps *maps);

/* Opens files by their path on this machine. Device and inode prove a file if the mapping has them. */
extern const struct proc_files ops_files;

#endif
