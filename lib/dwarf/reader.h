/* PRIVATE to lib/dwarf: libdwarf over an elf_image.
 *
 * The caller owns each die that a function returns, and frees it with die_free. What libdwarf
 * cannot read counts as absent: the result is NULL or false. */
#ifndef DWARF_READER_H
#define DWARF_READER_H

#include <dwarf.h>
#include <libdwarf.h>

#include "dwarf/members.h"

struct reader;

/* RES_NONE: no debug information. RES_FAIL: damaged, or out of memory. img must outlive the
 * result. */
enum res reader_create(struct elf_image *img, struct reader **out);
void reader_destroy(struct reader *r); /* NULL ok */

/* The bytes of a section; empty if there is none. */
struct span reader_section(const struct reader *r, const char *name);
/* Bytes in an address. */
unsigned reader_word(const struct reader *r);

Dwarf_Die die_at(struct reader *r, Dwarf_Off offset);
Dwarf_Die die_child(struct reader *r, Dwarf_Die die);
/* The next sibling of die; NULL: it was the last. Frees die. */
Dwarf_Die die_next(struct reader *r, Dwarf_Die die);
void die_free(struct reader *r, Dwarf_Die die); /* NULL ok */

/* The die of the unit whose header is at this offset of .debug_info. */
Dwarf_Die die_of_unit(struct reader *r, Dwarf_Off header);
/* The dies of all units, one a call, in order; NULL after the last. They can be read once only. */
Dwarf_Die reader_next_unit(struct reader *r);
/* Offset of the die of the unit that die is in. False: unknown. */
bool die_unit(struct reader *r, Dwarf_Die die, Dwarf_Off *out);
bool die_offset(struct reader *r, Dwarf_Die die, Dwarf_Off *out);

Dwarf_Half die_tag(struct reader *r, Dwarf_Die die);   /* 0: unknown */
const char *die_name(struct reader *r, Dwarf_Die die); /* NULL: none; valid as long as r */
bool die_flag(struct reader *r, Dwarf_Die die, Dwarf_Half attr);
bool die_number(struct reader *r, Dwarf_Die die, Dwarf_Half attr, uint64_t *out);
/* Offset of a member: a number, or the expression of one step that DWARF 2 has. */
bool die_member_offset(struct reader *r, Dwarf_Die die, uint64_t *out);
bool die_low_pc(struct reader *r, Dwarf_Die die, uint64_t *out);
/* The target of a reference, as an offset in .debug_info. */
bool die_reference(struct reader *r, Dwarf_Die die, Dwarf_Half attr, Dwarf_Off *out);

#endif
