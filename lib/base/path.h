/* Parts of file names. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <string.h>

/* The last component of path: what follows its last slash, or all of it. Points into path. */
static inline const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

#endif
