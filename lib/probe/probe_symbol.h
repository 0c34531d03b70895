/* Functions of an ELF file as places of probes. */
#ifndef PROBE_PROBE_SYMBOL_H
#define PROBE_PROBE_SYMBOL_H

#include <stdint.h>

#include "base/fault.h"

/* The offset in the file at `path`, which is the user's, of `offset` bytes after the start of
 * function `symbol`. RES_FAIL: there is none, or the place is not in its code, or not the start of
 * an instruction; f says which, and *out is undefined. */
enum res probe_symbol_place(
    const char *path, const char *symbol, uint64_t offset, uint64_t *out, struct fault *f);

#endif
