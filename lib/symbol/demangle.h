/* Names of C++ and Rust functions as their sources have them. */
#ifndef SYMBOL_DEMANGLE_H
#define SYMBOL_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

/* True if this was built with a library that demangles. If not, demangle_names finds nothing. */
bool demangle_is_built(void);

/* True if the name begins as those of C++ (`_Z`) and Rust (`_Z`, `_R`) do. */
bool demangle_is_mangled(const char *name);

/* Write to out[i] the source name of names[i], malloc'd; the caller frees it. NULL: it has none, or
 * its mangled or demangled form is longer than DEMANGLED_MAX bytes.
 *
 * A short name can have a source name without end, so a confined child process does it. RES_FAIL:
 * the names took too long, or broke the library, or there is no child process, or no memory; f says
 * which. out may have names nevertheless. */
enum res demangle_names(const char *const names[], size_t n, char *out[], struct fault *f);

enum { DEMANGLED_MAX = 4096 };

#endif
