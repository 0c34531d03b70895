/* Scope guards: a variable declared with OWNED(release) is released on every way out of its scope.
 * X_keep() takes the value out of the guard, and its caller becomes the owner. */
#ifndef BASE_OWNED_H
#define BASE_OWNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWNED(release) __attribute__((cleanup(release)))

/* For a file descriptor; -1: none. */
static inline void fd_release(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline int fd_keep(int *fd)
{
	int kept = *fd;

	*fd = -1;
	return kept;
}

/* For any pointer from malloc. `slot` is the address of that pointer. */
static inline void mem_release(void *slot)
{
	void *mem;

	memcpy(&mem, slot, sizeof(mem));
	free(mem);
}

static inline void *mem_keep(void *slot)
{
	void *kept, *nothing = NULL;

	memcpy(&kept, slot, sizeof(kept));
	memcpy(slot, &nothing, sizeof(nothing));
	return kept;
}

/* For a stream; NULL: none. */
static inline void file_release(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
}

#endif
