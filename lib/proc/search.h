/* PRIVATE to lib/proc and lib/os: directories in which files are looked for that are not where a
 * target says, or are not the mapped ones there.
 *
 * In each directory, in this order, for /usr/lib/libx.so with the build-id abcdef…:
 *
 *   .build-id/ab/cdef…   also below usr/lib/debug and usr/lib     (gdb's and Fedora's trees)
 *   abcdef…/executable                                            (debuginfod's cache)
 *   usr/lib/libx.so, lib/libx.so, libx.so                         (a root, a directory of files)
 *   any file named libx.so, however deep                          (at most SEARCH_FILES are listed)
 *
 * and then, if search_fetch was called, on servers.
 *
 * The caller decides by the build-id whether a file is the one. Without a build-id only the whole
 * path and the name itself are tried. */
#ifndef PROC_SEARCH_H
#define PROC_SEARCH_H

#include <stdbool.h>

#include "base/notice.h"

enum { SEARCH_FILES = 200000, SEARCH_DEPTH = 40, SEARCH_MS = 10000 };

struct search;
struct fetch;

struct search *search_create(void);    /* NULL: out of memory */
void search_destroy(struct search *s); /* NULL ok */

/* Add a directory of this machine. root: links are resolved inside it, as if it were the root
 * directory. False: out of memory, or it cannot be opened. */
bool search_add(struct search *s, const char *dir, bool root);

/* Fetch what is in no directory, by `fetch`, which s takes over. */
void search_fetch(struct search *s, struct fetch *fetch);
const struct fetch *search_fetches(const struct search *s); /* NULL: it fetches nothing */

/* Call use() with each regular file that may be the one mapped from `path`, until it returns true,
 * and return whether it did. id: the build-id of the mapped one; n 0: unknown, or none. use() does
 * not keep the descriptor. */
typedef bool search_use_fn(void *data, int fd);
bool search_files(
    struct search *s, const struct notice_id *id, const char *path, search_use_fn *use, void *data);

/* Open the debug file at `path` (lib/elf/debugfile.c) in one of the directories. -1: none. */
int search_open_debug(struct search *s, const char *path);

/* The notice about the i-th file system that did not answer; see reach_unanswered. */
bool search_unanswered(const struct search *s, size_t i, struct notice *out);

#endif
