/* Functions shared by spawn.c and run.c: the temporary directory and small files. */
#ifndef SUPPORT_SPAWN_FILES_H
#define SUPPORT_SPAWN_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "support/roots.h"

const char *spawn_folder(void);
/* The reason why a process with its own mounts cannot be started here; NULL: it can. */
const char *spawn_no_mounts(void);
/* In a child: enter the interpreter's root, or _exit. */
void spawn_enter(const struct interpreter *in);
/* The first size-1 bytes of a file, NUL-terminated. */
bool spawn_head(const char *path, char *out, size_t size);
/* rm -r, below spawn_folder() only. */
void spawn_remove(const char *path);

#endif
