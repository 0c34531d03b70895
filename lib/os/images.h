/* Files of mapped objects, and what is reported about them. linux.c, illumos_files.c.
 *
 * Images belong to the handle. On illumos they are kept apart from the system's handle: before
 * Prelease of any handle that was given to a function of lib/os, its owner must call
 * os_release_images. */
#ifndef OS_IMAGES_H
#define OS_IMAGES_H

#include <libproc.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/notice.h"
#include "base/span.h"
#include "elf/image.h"

/* The verified ELF image of the object mapped at addr, and its load bias. RES_NONE: addr is in no
 * object, or the object's file is not available. The image belongs to the handle. */
enum res os_object_image(struct ps_prochandle *P, uintptr_t addr, struct elf_image **img, uint64_t *bias);

/* The load bias alone. If the file is not available, it is read from the ELF header in memory.
 * RES_NONE: addr is in no object, or in one that is not an ELF file. */
enum res os_object_bias(struct ps_prochandle *P, uintptr_t addr, uint64_t *bias);

/* The file that contains the debug information of the object mapped at addr: the object's own image
 * or its separate debug file. RES_NONE: there is none. The image belongs to the handle. */
enum res os_debug_image(struct ps_prochandle *P, uintptr_t addr, struct elf_image **img);

/* Open the ELF file at an absolute path, of debug information, in the target's root or else where
 * the user has such files (-L), if it is a regular file. RES_NONE: there is none, or it cannot be
 * read. The caller closes *img. */
enum res os_open_image(struct ps_prochandle *P, const char *path, struct elf_image **img);

/* Bytes from the file for an address whose memory is known to equal the file (read-only, segment
 * not writable). RES_NONE: read memory. */
enum res os_file_bytes(struct ps_prochandle *P, uintptr_t addr, struct span *out);

/* Calls report() with each notice about this handle, oldest first. The notice is valid during the
 * call. */
typedef void os_notice_fn(void *data, const struct notice *notice);
void os_notices(struct ps_prochandle *P, os_notice_fn *report, void *data);

/* Look for files of P that are missing or not the mapped ones in the directory `dir`, too, before
 * any is used. root: links in it are resolved inside it. Linux. RES_NONE: there is no such
 * directory. */
enum res os_search(struct ps_prochandle *P, const char *dir, bool root);

/* Fetch files of P that are nowhere else from the servers of DEBUGINFOD_URLS; progress() and `data`
 * as in proc/fetch.h. Linux. RES_FAIL: f says why it cannot be done. */
typedef void os_progress_fn(void *data, bool over, uint64_t done, uint64_t all);
enum res os_fetch(struct ps_prochandle *P, os_progress_fn *progress, void *data, struct fault *f);

/* True if no more files are fetched. Then *error says why, as an errno: ETIME: it took a minute. */
bool os_fetch_stopped(struct ps_prochandle *P, int *error);

/* Open a regular file for reading; FIFOs and devices are not opened. -1 with errno. (Linux.) */
int os_open_regular(const char *path);

/* The user and group whose core the file at fd is, for a copy of it. If they cannot be read, *user
 * and *group are unchanged. (Linux.) */
void os_core_owner(int fd, uid_t *user, gid_t *group);

/* Pfgrab_core of a copy, whose original belongs to this user and group. (Linux.) */
#define OS_NOBODYS ((uid_t)-1) /* it has come through a pipe */
struct ps_prochandle *os_grab_core(int fd, const char *aout, uid_t user, gid_t group, int *perr);

/* True if P is a core. Asks the system nothing, unlike Pstate. */
bool os_is_core(struct ps_prochandle *P);

/* True if the file of core P is truncated, so that saved memory is missing. */
bool os_core_cut(struct ps_prochandle *P);

/* Make a captured handle (Pgrab_ops) use the mappings and files of the live one. The live handle
 * must outlive the captured one. */
void os_share_objects(struct ps_prochandle *captured, struct ps_prochandle *live);

/* Add to the functions of a captured process (Pgrab_ops) those through which the system's libproc
 * requests the objects that os_share_objects shares. */
void os_captured_ops(ps_ops_t *ops);

/* Release the images that are kept for handle P. Must be called before Prelease, and before P's
 * owner can release it. */
void os_release_images(struct ps_prochandle *P);

#endif
