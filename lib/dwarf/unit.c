/* See unit.h. */
#ifdef WITH_LIBDWARF

#include "dwarf/unit.h"

enum { SPLIT_LISTS_BASE = 12 }; /* the header of .debug_rnglists.dwo, before the list of offsets */

/* The address in an attribute, directly or by index. */
static bool address_in(const struct unit *u, Dwarf_Attribute a, uint64_t *out)
{
	uint64_t index;

	if (attribute_form(u->r, a) == DW_FORM_addr)
		return attribute_address(u->r, a, out);
	return dwarf_addr_form_is_indexed(attribute_form(u->r, a)) && attribute_index(u->r, a, &index) &&
	       ranges_address(&u->ranges, index, out);
}

static bool low_of(const struct unit *u, Dwarf_Die die, uint64_t *out)
{
	Dwarf_Attribute a = die_attribute(u->r, die, DW_AT_low_pc);
	bool ok = a != NULL && address_in(u, a, out);

	if (a != NULL)
		attribute_free(u->r, a);
	return ok;
}

/* The end of the die's code: an address, or from DWARF 4 on a number of bytes. */
static bool high_of(const struct unit *u, Dwarf_Die die, uint64_t low, uint64_t *out)
{
	Dwarf_Attribute a = die_attribute(u->r, die, DW_AT_high_pc);
	bool ok;

	if (a == NULL)
		return false;
	ok = address_in(u, a, out);
	if (!ok && attribute_offset(u->r, a, out)) {
		*out += low;
		ok = true;
	}
	attribute_free(u->r, a);
	return ok;
}

/* The offset of the die's list of ranges. */
static bool range_list_of(const struct unit *u, Dwarf_Die die, uint64_t *out)
{
	Dwarf_Attribute a = die_attribute(u->r, die, DW_AT_ranges);
	struct span s = u->ranges.section;
	bool ok, indexed;
	uint32_t relative;

	if (a == NULL)
		return false;
	indexed = attribute_form(u->r, a) == DW_FORM_rnglistx;
	ok = attribute_offset(u->r, a, out);
	attribute_free(u->r, a);
	if (!ok || *out > UINT32_MAX)
		return false;
	if (indexed) {
		if (!span_skip(&s, (size_t)(u->ranges_base + *out * sizeof(relative))) ||
		    !span_u32(&s, &relative))
			return false;
		*out = u->ranges_base + relative;
	} else if (!u->ranges.lists && u->split) {
		*out += u->ranges_base;
	}
	return true;
}

/* Where the unit's part of a section starts. */
static bool base_in(struct reader *r, Dwarf_Die die, Dwarf_Half attr, uint64_t *out)
{
	Dwarf_Attribute a = die_attribute(r, die, attr);
	bool ok = a != NULL && attribute_offset(r, a, out);

	if (a != NULL)
		attribute_free(r, a);
	return ok;
}

void unit_open(struct unit *u, struct reader *r, Dwarf_Die die, unsigned version)
{
	*u = (struct unit){ .r = r, .code = r, .version = version };
	u->ranges = (struct ranges_context){ .section = reader_section(
						 r, version >= 5 ? ".debug_rnglists" : ".debug_ranges"),
		.lists = version >= 5,
		.addresses = reader_section(r, ".debug_addr"),
		.word = reader_word(r) };
	if (!base_in(r, die, DW_AT_addr_base, &u->ranges.addr_base))
		(void)base_in(r, die, DW_AT_GNU_addr_base, &u->ranges.addr_base);
	if (!base_in(r, die, DW_AT_rnglists_base, &u->ranges_base))
		(void)base_in(r, die, DW_AT_GNU_ranges_base, &u->ranges_base);
	(void)low_of(u, die, &u->ranges.base);
	u->directory = die_text(r, die, DW_AT_comp_dir);
}

void unit_enter_split(struct unit *u, struct reader *r)
{
	u->r = r;
	u->split = true;
	if (u->ranges.lists) {
		u->ranges.section = reader_section(r, ".debug_rnglists");
		u->ranges_base = SPLIT_LISTS_BASE;
	}
}

enum unit_code unit_code_of(const struct unit *u, Dwarf_Die die, uint64_t address)
{
	uint64_t low, high, list;

	if (range_list_of(u, die, &list))
		return ranges_contain(&u->ranges, list, address) ? UNIT_HAS_IT : UNIT_OTHER_CODE;
	/* The linker has left out the code at 0. */
	if (!low_of(u, die, &low) || low == 0 || !high_of(u, die, low, &high))
		return UNIT_NO_CODE;
	return address >= low && address < high ? UNIT_HAS_IT : UNIT_OTHER_CODE;
}

#endif
