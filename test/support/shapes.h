/* Programs that embed Python (test/programs/embed.c), in the shapes that it knows. */
#ifndef SUPPORT_SHAPES_H
#define SUPPORT_SHAPES_H

#include <limits.h>
#include <stdbool.h>

#include "support/spawn.h"

/* The shared library of interpreter i. False: it has none, or is in another root. */
bool shape_library(int i, char out[PATH_MAX]);

/* Start embed in a shape, with interpreter i; `two`: and with another. False: there is no shared
 * library for it. */
bool shape_start(struct fixture *f, int i, const char *shape, bool two);

#endif
