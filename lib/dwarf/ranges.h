/* PRIVATE to lib/dwarf: lists of address ranges, .debug_ranges (DWARF 3 and 4, 2.17.3) and
 * .debug_rnglists (DWARF 5 2.17.3, 7.28). */
#ifndef DWARF_RANGES_H
#define DWARF_RANGES_H

#include "base/span.h"

struct ranges_context {
	struct span section;   /* the one that the list is in */
	bool lists;            /* it is .debug_rnglists */
	struct span addresses; /* .debug_addr */
	uint64_t addr_base;    /* where in it those of the unit start */
	uint64_t base;         /* address of the unit */
	unsigned word;         /* bytes in an address: 4 or 8 */
};

/* The address with this index in .debug_addr. */
bool ranges_address(const struct ranges_context *c, uint64_t index, uint64_t *out);

/* True if the list at this offset of the section contains the address. A list that cannot be read
 * contains none. */
bool ranges_contain(const struct ranges_context *c, uint64_t offset, uint64_t address);

#endif
