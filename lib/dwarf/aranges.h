/* PRIVATE to lib/dwarf: .debug_aranges (DWARF 5 6.1.2), read here because libdwarf reads all of it and every unit named in
 * it, which costs milliseconds.
 *
 *   header: length 4 or 4+8 | version 2 | offset of the unit 4 or 8 | bytes in an address | 0 | padding to a pair
 *   pairs: address, length; two zeros end them */
#ifndef DWARF_ARANGES_H
#define DWARF_ARANGES_H

#include "base/span.h"

/* Offset in .debug_info of the header of the unit that holds the code at addr. False: none says so. */
bool aranges_find(struct span section, uint64_t addr, uint64_t *unit);

#endif
