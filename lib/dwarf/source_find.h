/* PRIVATE to lib/dwarf: the search for places, in this process: a damaged file may crash it. */
#ifndef DWARF_SOURCE_FIND_H
#define DWARF_SOURCE_FIND_H

#include "dwarf/source.h"

/* Find the places of the addresses. Strings are valid as long as this process. False: the file
 * cannot be read. */
bool source_search(
    const struct source_files *files, const uint64_t *addresses, size_t n, struct source_reply *out);

#endif
