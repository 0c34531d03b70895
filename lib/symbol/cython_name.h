/* Python names of functions that Cython has compiled. */
#ifndef SYMBOL_CYTHON_NAME_H
#define SYMBOL_CYTHON_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* True if the name is one that Cython gives to functions of its source. */
bool cython_is_function(const char *name);

/* The Python name ("module.Class.method") of such a function, malloc'd; the caller frees it. It
 * ends in '?' if the name could be read in another way, too. NULL: it has another form, or there is
 * no memory.
 *
 * Cython 0.29 and 3.0: a prefix, then for each scope its length and name, then the function's name,
 * which may have a running number before it:
 *
 *   __pyx_pw_3pkg_6module_5Class_7method    pkg.module.Class.method */
char *cython_name(const char *name);

#endif
