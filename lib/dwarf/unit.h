/* PRIVATE to lib/dwarf: the addresses of a unit's code.
 *
 * Of a split unit the dies are in a file of their own; addresses, and up to DWARF 4 ranges, are in
 * the file with the code, found through the skeleton unit there. */
#ifndef DWARF_UNIT_H
#define DWARF_UNIT_H

#include "dwarf/ranges.h"
#include "dwarf/reader.h"

struct unit {
	struct reader *r;    /* of its dies */
	struct reader *code; /* of the file with the code */
	struct ranges_context ranges;
	uint64_t ranges_base; /* .debug_rnglists: where the list of offsets starts; else added */
	unsigned version;
	bool split;
	const char *directory; /* of the compilation; NULL: unknown */
};

/* The unit with this die in r, of the file with the code. */
void unit_open(struct unit *u, struct reader *r, Dwarf_Die die, unsigned version);

/* From now on the unit's dies are those of the split unit in r. */
void unit_enter_split(struct unit *u, struct reader *r);

/* Where the die's code is. */
enum unit_code { UNIT_NO_CODE, UNIT_OTHER_CODE, UNIT_HAS_IT };
enum unit_code unit_code_of(const struct unit *u, Dwarf_Die die, uint64_t address);

#endif
