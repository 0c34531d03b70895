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

/* What is read: types, or also the lines and ranges of code. */
enum reader_use { READER_TYPES, READER_CODE };

/* RES_NONE: no debug information. RES_FAIL: damaged, or out of memory. img must outlive the
 * result. A split file (.dwo, .dwp) is read by the names that its sections have. */
enum res reader_create(struct elf_image *img, enum reader_use use, struct reader **out);
void reader_destroy(struct reader *r); /* NULL ok */

/* Unpack the sections of img that reader_create(READER_CODE) needs, once for all children. */
void reader_unpack(struct elf_image *img);

/* Strings and addresses that r lacks are in `to`: the common file of dwz, or of a split file the
 * file with the code. */
void reader_tie(struct reader *r, struct reader *to);
Dwarf_Debug reader_debug(struct reader *r);

/* The bytes of a section, by its name in a file that is not split; empty if there is none. */
struct span reader_section(const struct reader *r, const char *name);
/* Bytes in an address. */
unsigned reader_word(const struct reader *r);

Dwarf_Die die_at(struct reader *r, Dwarf_Off offset);
Dwarf_Die die_child(struct reader *r, Dwarf_Die die);
/* The next sibling of die; NULL: it was the last. Frees die. */
Dwarf_Die die_next(struct reader *r, Dwarf_Die die);
void die_free(struct reader *r, Dwarf_Die die); /* NULL ok */

/* The header of a unit. */
struct unit_header {
	unsigned version;
	Dwarf_Off die;  /* offset of its die; 0: it has no code, or is of no known kind */
	Dwarf_Off next; /* of the next header */
	uint64_t id;    /* DWARF 5: what skeleton and split unit have in common, else 0 */
};

/* The header at this offset of .debug_info. False: there is none. */
bool reader_unit(const struct reader *r, Dwarf_Off header, struct unit_header *out);

/* The die of the unit whose header is at this offset of .debug_info. */
Dwarf_Die die_of_unit(struct reader *r, Dwarf_Off header);
/* The dies of all units, one a call, in order; NULL after the last. They can be read once only. */
Dwarf_Die reader_next_unit(struct reader *r);
/* Offset of the die of the unit that die is in. False: unknown. */
bool die_unit(struct reader *r, Dwarf_Die die, Dwarf_Off *out);
/* Its offset in .debug_info, and other properties of a die. False: unknown, or it has none. */
bool die_offset(struct reader *r, Dwarf_Die die, Dwarf_Off *out);

Dwarf_Half die_tag(struct reader *r, Dwarf_Die die);   /* 0: unknown */
const char *die_name(struct reader *r, Dwarf_Die die); /* NULL: none; valid as long as r */
/* Attributes: a flag (false: not set, or absent), and a non-negative number. */
bool die_flag(struct reader *r, Dwarf_Die die, Dwarf_Half attr);
bool die_number(struct reader *r, Dwarf_Die die, Dwarf_Half attr, uint64_t *out);
/* Offset of a member: a number, or the expression of one step that DWARF 2 has. */
bool die_member_offset(struct reader *r, Dwarf_Die die, uint64_t *out);
bool die_low_pc(struct reader *r, Dwarf_Die die, uint64_t *out);
/* The target of a reference, as an offset in .debug_info. */
bool die_reference(struct reader *r, Dwarf_Die die, Dwarf_Half attr, Dwarf_Off *out);
const char *die_text(struct reader *r, Dwarf_Die die, Dwarf_Half attr); /* as die_name */

/* An attribute by itself; NULL: the die has none. The caller frees it with attribute_free. */
Dwarf_Attribute die_attribute(struct reader *r, Dwarf_Die die, Dwarf_Half attr);
void attribute_free(struct reader *r, Dwarf_Attribute a);
Dwarf_Half attribute_form(struct reader *r, Dwarf_Attribute a); /* 0: unknown */
bool attribute_address(struct reader *r, Dwarf_Attribute a, uint64_t *out);
bool attribute_index(struct reader *r, Dwarf_Attribute a, uint64_t *out);  /* in .debug_addr */
bool attribute_offset(struct reader *r, Dwarf_Attribute a, uint64_t *out); /* in a section */
/* A reference: offset in .debug_info, of the file of dwz if the form says so. */
bool attribute_offset_of_die(struct reader *r, Dwarf_Attribute a, Dwarf_Off *out);

#endif
