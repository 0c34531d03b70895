/* What spawn.c and run.c share: the temporary folder and small files. */
#ifndef SUPPORT_SPAWN_FILES_H
#define SUPPORT_SPAWN_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "support/roots.h"

const char *spawn_folder(void);
/* Why a process with mounts of its own cannot be started here; NULL: it can. */
const char *spawn_no_mounts(void);
/* In a child: go below the interpreter's root, or _exit. */
void spawn_enter(const struct interpreter *in);
/* The first size-1 bytes of a file, NUL-terminated. */
bool spawn_head(const char *path, char *out, size_t size);
/* rm -r, below spawn_folder() only. */
void spawn_remove(const char *path);

#endif
