/* PRIVATE to lib/dwarf: libdwarf over an elf_image, and the few things asked of it.
 *
 * Every function that makes a die gives it to the caller, who lets it go by die_free. What libdwarf cannot read counts as
 * not there. */
#ifndef DWARF_READER_H
#define DWARF_READER_H

#include <dwarf.h>
#include <libdwarf.h>

#include "dwarf/members.h"

struct reader;

/* RES_NONE: no debug information. RES_FAIL: damaged, or no memory. img outlives the result. */
enum res reader_create(struct elf_image *img, struct reader **out);
void reader_destroy(struct reader *r); /* NULL ok */

/* A section's bytes; empty if there is none. */
struct span reader_section(const struct reader *r, const char *name);
/* Bytes in an address. */
unsigned reader_word(const struct reader *r);

Dwarf_Die die_at(struct reader *r, Dwarf_Off offset);
Dwarf_Die die_child(struct reader *r, Dwarf_Die die);
/* The next one beside die, which is let go; NULL: it was the last. */
Dwarf_Die die_next(struct reader *r, Dwarf_Die die);
void die_free(struct reader *r, Dwarf_Die die); /* NULL ok */

/* The die of the unit whose header is at this offset of .debug_info. */
Dwarf_Die die_of_unit(struct reader *r, Dwarf_Off header);
/* Units one after the other, in order: NULL after the last. Once only. */
Dwarf_Die reader_next_unit(struct reader *r);
/* Offset of the unit's die for a die in it; false: cannot be told. */
bool die_unit(struct reader *r, Dwarf_Die die, Dwarf_Off *out);
bool die_offset(struct reader *r, Dwarf_Die die, Dwarf_Off *out);

Dwarf_Half die_tag(struct reader *r, Dwarf_Die die);   /* 0: cannot be told */
const char *die_name(struct reader *r, Dwarf_Die die); /* NULL: none; lives as long as r */
bool die_flag(struct reader *r, Dwarf_Die die, Dwarf_Half attr);
bool die_number(struct reader *r, Dwarf_Die die, Dwarf_Half attr, uint64_t *out);
/* A member's place: a number, or the one-step expression that DWARF 2 writes. */
bool die_member_offset(struct reader *r, Dwarf_Die die, uint64_t *out);
bool die_low_pc(struct reader *r, Dwarf_Die die, uint64_t *out);
/* What a reference leads to, as an offset of .debug_info. */
bool die_reference(struct reader *r, Dwarf_Die die, Dwarf_Half attr, Dwarf_Off *out);

#endif
