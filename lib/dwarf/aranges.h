/* PRIVATE to lib/dwarf: .debug_aranges (DWARF 5 6.1.2), read here because libdwarf reads all of it
 * and every unit that it names, which takes milliseconds.
 *
 *   header: length 4 or 4+8 | version 2 | offset of the unit 4 or 8 | bytes in an address | 0 |
 *           padding to a pair
 *   pairs: address, length; two zeros end them */
#ifndef DWARF_ARANGES_H
#define DWARF_ARANGES_H

#include "base/span.h"

/* Find the unit with the code at addr. *unit: offset of its header in .debug_info. False: not
 * listed. */
bool aranges_find(struct span section, uint64_t addr, uint64_t *unit);

#endif
