/* PRIVATE to lib/proc: mappings and files of a process made of functions. */
#ifndef PROC_OPS_H
#define PROC_OPS_H

#include "proc/handle.h"

/* Read the mappings of pop_read_maps, sorted by address, with names as paths. RES_NONE: the backend
 * has no mappings; RES_FAIL: they are invalid, or no memory. Even then *maps may hold some. */
enum res ops_read_maps(struct ps_prochandle *P, struct proc_maps *maps);

/* Opens files by their path on this machine. Device and inode prove a file if the mapping has
 * them. */
extern const struct proc_files ops_files;

#endif
