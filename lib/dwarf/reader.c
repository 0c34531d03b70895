/* All calls of libdwarf's object interface. libdwarf gets only the sections it needs for types,
 * unpacked and checked by lib/elf. Two interfaces are supported: that up to 20210528, and that of
 * 0.2 and later, which renamed the structures that a caller fills in. */
#ifdef WITH_LIBDWARF

#include "dwarf/reader.h"

#include <stdlib.h>
#include <string.h>

#ifdef DW_LIBDWARF_VERSION_MAJOR
#define NEW_INTERFACE 1
#else
#define NEW_INTERFACE 0
#endif

#if NEW_INTERFACE
typedef Dwarf_Obj_Access_Interface_a access_t;
typedef Dwarf_Obj_Access_Methods_a methods_t;
typedef Dwarf_Obj_Access_Section_a section_t;
typedef Dwarf_Unsigned index_t;
#else
typedef Dwarf_Obj_Access_Interface access_t;
typedef Dwarf_Obj_Access_Methods methods_t;
typedef Dwarf_Obj_Access_Section section_t;
typedef Dwarf_Half index_t;
#endif

/* Index 0 is no section, as in ELF. */
static const char *const section_names[] = { "", ".debug_info", ".debug_abbrev", ".debug_str",
	".debug_line_str", ".debug_str_offsets", ".debug_addr", ".debug_line", ".debug_aranges",
	".debug_ranges", ".debug_rnglists" };

enum {
	SECTIONS = sizeof(section_names) / sizeof(section_names[0]),
	SHOWN = SECTIONS - 3, /* the last ones are read by aranges.c and ranges.c */
	LINES = SHOWN - 1,    /* .debug_line */
	ARANGES = SHOWN
};

struct reader {
	struct span sections[SECTIONS];
	const char *names[SECTIONS];
	unsigned word;
	uint64_t file_size;
	access_t access;
	Dwarf_Debug dbg;
};

/* --- callbacks of libdwarf --- */

static int section_info(void *object, index_t index, section_t *out, int *error)
{
	const struct reader *r = object;

	(void)error;
	if (index >= SHOWN)
		return DW_DLV_NO_ENTRY;
	memset(out, 0, sizeof(*out));
#if NEW_INTERFACE
	out->as_name = r->names[index];
	out->as_size = span_left(&r->sections[index]);
#else
	out->name = r->names[index];
	out->size = span_left(&r->sections[index]);
#endif
	return DW_DLV_OK;
}

static int section_load(void *object, index_t index, Dwarf_Small **out, int *error)
{
	const struct reader *r = object;
	union {
		const uint8_t *read_only;
		Dwarf_Small *memory;
	} bytes;

	(void)error;
	if (index >= SHOWN || span_left(&r->sections[index]) == 0)
		return DW_DLV_NO_ENTRY;
	/* libdwarf writes to sections only for relocations. */
	bytes.read_only = r->sections[index].at;
	*out = bytes.memory;
	return DW_DLV_OK;
}

#if NEW_INTERFACE
static Dwarf_Small byte_order(void *object)
{
	(void)object;
	return DW_END_little;
}

static Dwarf_Unsigned file_size(void *object)
{
	return ((const struct reader *)object)->file_size;
}
#else
static Dwarf_Endianness byte_order(void *object)
{
	(void)object;
	return DW_OBJECT_LSB;
}
#endif

static Dwarf_Small word_size(void *object)
{
	return (Dwarf_Small)((const struct reader *)object)->word;
}

static Dwarf_Small length_size(void *object)
{
	(void)object;
	return 4;
}

static Dwarf_Unsigned section_count(void *object)
{
	(void)object;
	return SHOWN;
}

#if NEW_INTERFACE
static const methods_t methods = { .om_get_section_info = section_info,
	.om_get_byte_order = byte_order,
	.om_get_length_size = length_size,
	.om_get_pointer_size = word_size,
	.om_get_filesize = file_size,
	.om_get_section_count = section_count,
	.om_load_section = section_load };
#else
static const methods_t methods = { .get_section_info = section_info,
	.get_byte_order = byte_order,
	.get_length_size = length_size,
	.get_pointer_size = word_size,
	.get_section_count = section_count,
	.load_section = section_load };
#endif

/* --- create, destroy --- */

/* Names of the sections of a split file (.dwo, .dwp), which has no others. */
static const char *const split_names[SECTIONS] = { "", ".debug_info.dwo", ".debug_abbrev.dwo",
	".debug_str.dwo", "", ".debug_str_offsets.dwo", "", "", "", "", ".debug_rnglists.dwo" };

static const char *section_name(struct elf_image *img, size_t i)
{
	bool split = elf_image_section(img, section_names[1], NULL, NULL) == RES_NONE &&
		     elf_image_section(img, split_names[1], NULL, NULL) == RES_OK;

	return split ? split_names[i] : section_names[i];
}

static bool is_needed(size_t i, enum reader_use use)
{
	return use == READER_CODE || i < LINES || i == ARANGES;
}

void reader_unpack(struct elf_image *img)
{
	for (size_t i = 1; i < SECTIONS; i++) {
		const char *name = section_name(img, i);

		if (name[0] != '\0')
			(void)elf_image_section(img, name, NULL, NULL);
	}
}

enum res reader_create(struct elf_image *img, enum reader_use use, struct reader **out)
{
	struct reader *r = calloc(1, sizeof(*r));
	Dwarf_Error error = NULL;

	if (r == NULL)
		return RES_FAIL;
	r->names[0] = "";
	for (size_t i = 1; i < SECTIONS; i++) {
		enum res res = RES_NONE;

		r->names[i] = section_name(img, i);
		if (is_needed(i, use) && r->names[i][0] != '\0')
			res = elf_image_section(img, r->names[i], NULL, &r->sections[i]);
		if (res == RES_OK)
			continue;
		r->sections[i] = span_of(NULL, 0);
		/* The first two are required; damaged others count as absent. */
		if (i <= 2) {
			free(r);
			return res;
		}
	}
	r->word = elf_image_ehdr(img)->e_ident[EI_CLASS] == ELFCLASS32 ? 4 : 8;
	r->file_size = elf_image_size(img);
#if NEW_INTERFACE
	r->access.ai_object = r;
	r->access.ai_methods = &methods;
#else
	r->access.object = r;
	r->access.methods = &methods;
#endif
	if (span_left(&r->sections[1]) == 0 ||
	    dwarf_object_init_b(&r->access, NULL, NULL, DW_GROUPNUMBER_ANY, &r->dbg, &error) != DW_DLV_OK) {
		enum res res = span_left(&r->sections[1]) == 0 ? RES_NONE : RES_FAIL;

		free(r);
		return res;
	}
	*out = r;
	return RES_OK;
}

void reader_destroy(struct reader *r)
{
	if (r == NULL)
		return;
#if NEW_INTERFACE
	(void)dwarf_object_finish(r->dbg);
#else
	{
		Dwarf_Error error = NULL;

		(void)dwarf_object_finish(r->dbg, &error);
	}
#endif
	free(r);
}

struct span reader_section(const struct reader *r, const char *name)
{
	for (size_t i = 1; i < SECTIONS; i++) {
		if (strcmp(section_names[i], name) == 0)
			return r->sections[i];
	}
	return span_of(NULL, 0);
}

unsigned reader_word(const struct reader *r)
{
	return r->word;
}

/* --- dies --- */

/* Did it succeed? Frees the error. */
static bool is_ok(struct reader *r, int result, Dwarf_Error error)
{
	if (result == DW_DLV_ERROR && error != NULL)
		dwarf_dealloc_error(r->dbg, error);
	return result == DW_DLV_OK;
}

Dwarf_Die die_at(struct reader *r, Dwarf_Off offset)
{
	Dwarf_Error error = NULL;
	Dwarf_Die die = NULL;

	return is_ok(r, dwarf_offdie_b(r->dbg, offset, 1, &die, &error), error) ? die : NULL;
}

Dwarf_Die die_child(struct reader *r, Dwarf_Die die)
{
	Dwarf_Error error = NULL;
	Dwarf_Die child = NULL;

	return is_ok(r, dwarf_child(die, &child, &error), error) ? child : NULL;
}

Dwarf_Die die_next(struct reader *r, Dwarf_Die die)
{
	Dwarf_Error error = NULL;
	Dwarf_Die next = NULL;
	bool there = is_ok(r, dwarf_siblingof_b(r->dbg, die, 1, &next, &error), error);

	die_free(r, die);
	return there ? next : NULL;
}

void die_free(struct reader *r, Dwarf_Die die)
{
	if (die != NULL)
		dwarf_dealloc(r->dbg, die, DW_DLA_DIE);
}

/* Computed here: libdwarf 20210528 dereferences NULL if this is its first request. */
Dwarf_Die die_of_unit(struct reader *r, Dwarf_Off header)
{
	struct unit_header unit;

	if (!reader_unit(r, header, &unit) || unit.die == 0)
		return NULL;
	return die_at(r, unit.die);
}

/* Header (DWARF 5 7.5.1): length 4 or 4+8 | version 2 | then, by version:
 *   2 to 4: abbreviations 4 or 8 | bytes of an address 1
 *   5:      kind 1 | bytes of an address 1 | abbreviations 4 or 8 | more, by kind */
bool reader_unit(const struct reader *r, Dwarf_Off header, struct unit_header *out)
{
	struct span s = r->sections[1];
	size_t wide = 4, size;
	uint32_t short_length;
	uint64_t length;
	uint16_t version;
	uint8_t kind = 0;

	if (header > span_left(&s) || !span_skip(&s, (size_t)header) || !span_u32(&s, &short_length))
		return false;
	length = short_length;
	if (short_length == UINT32_MAX) {
		wide = 8;
		if (!span_u64(&s, &length))
			return false;
	}
	if (length > span_left(&s) || length < 2 || !span_u16(&s, &version))
		return false;
	size = (wide == 8 ? 12U : 4U) + 2 + wide + 1;
	*out = (struct unit_header){ .version = version, .next = header + (wide == 8 ? 12U : 4U) + length };
	if (version < 2 || version > 5)
		return true;
	if (version == 5) {
		if (!span_u8(&s, &kind))
			return false;
		size += 1;
	}
	if (kind == DW_UT_skeleton || kind == DW_UT_split_compile) {
		if (!span_skip(&s, 1 + wide) || !span_u64(&s, &out->id))
			return false;
		size += sizeof(out->id);
	} else if (kind != 0 && kind != DW_UT_compile && kind != DW_UT_partial) {
		return true;
	}
	out->die = header + size;
	return true;
}

Dwarf_Die reader_next_unit(struct reader *r)
{
	Dwarf_Error error = NULL;
	Dwarf_Unsigned length, typeoffset, next;
	Dwarf_Half version, address, offset, extension, kind;
	Dwarf_Off abbrev;
	Dwarf_Sig8 signature;
	Dwarf_Die die = NULL;
	int result = dwarf_next_cu_header_d(r->dbg, 1, &length, &version, &abbrev, &address, &offset,
	    &extension, &signature, &typeoffset, &next, &kind, &error);

	if (!is_ok(r, result, error))
		return NULL;
	error = NULL;
	return is_ok(r, dwarf_siblingof_b(r->dbg, NULL, 1, &die, &error), error) ? die : NULL;
}

bool die_unit(struct reader *r, Dwarf_Die die, Dwarf_Off *out)
{
	Dwarf_Error error = NULL;

	return is_ok(r, dwarf_CU_dieoffset_given_die(die, out, &error), error);
}

bool die_offset(struct reader *r, Dwarf_Die die, Dwarf_Off *out)
{
	Dwarf_Error error = NULL;

	return is_ok(r, dwarf_dieoffset(die, out, &error), error);
}

Dwarf_Half die_tag(struct reader *r, Dwarf_Die die)
{
	Dwarf_Error error = NULL;
	Dwarf_Half tag = 0;

	return is_ok(r, dwarf_tag(die, &tag, &error), error) ? tag : 0;
}

const char *die_name(struct reader *r, Dwarf_Die die)
{
	Dwarf_Error error = NULL;
	char *name = NULL;

	return is_ok(r, dwarf_diename(die, &name, &error), error) ? name : NULL;
}

/* --- attributes --- */

Dwarf_Attribute die_attribute(struct reader *r, Dwarf_Die die, Dwarf_Half attr)
{
	Dwarf_Error error = NULL;
	Dwarf_Attribute a = NULL;

	return is_ok(r, dwarf_attr(die, attr, &a, &error), error) ? a : NULL;
}

void attribute_free(struct reader *r, Dwarf_Attribute a)
{
	dwarf_dealloc(r->dbg, a, DW_DLA_ATTR);
}

bool die_flag(struct reader *r, Dwarf_Die die, Dwarf_Half attr)
{
	Dwarf_Error error = NULL;
	Dwarf_Attribute a = die_attribute(r, die, attr);
	Dwarf_Bool set = 0;
	bool ok;

	if (a == NULL)
		return false;
	ok = is_ok(r, dwarf_formflag(a, &set, &error), error);
	attribute_free(r, a);
	return ok && set;
}

/* Numbers may be encoded as signed ones; a negative one is refused. */
static bool attribute_number(struct reader *r, Dwarf_Attribute a, uint64_t *out)
{
	Dwarf_Error error = NULL;
	Dwarf_Unsigned plain = 0;
	Dwarf_Signed with_sign = 0;

	if (is_ok(r, dwarf_formudata(a, &plain, &error), error)) {
		*out = plain;
		return true;
	}
	error = NULL;
	if (!is_ok(r, dwarf_formsdata(a, &with_sign, &error), error) || with_sign < 0)
		return false;
	*out = (uint64_t)with_sign;
	return true;
}

bool die_number(struct reader *r, Dwarf_Die die, Dwarf_Half attr, uint64_t *out)
{
	Dwarf_Attribute a = die_attribute(r, die, attr);
	bool ok;

	if (a == NULL)
		return false;
	ok = attribute_number(r, a, out);
	attribute_free(r, a);
	return ok;
}

/* DW_OP_plus_uconst N alone. */
static bool plus_constant(struct span s, uint64_t *out)
{
	uint64_t value = 0;
	uint8_t byte;

	if (!span_u8(&s, &byte) || byte != DW_OP_plus_uconst)
		return false;
	for (unsigned shift = 0; shift < 63 && span_u8(&s, &byte); shift += 7) {
		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*out = value;
			return span_left(&s) == 0;
		}
	}
	return false;
}

bool die_member_offset(struct reader *r, Dwarf_Die die, uint64_t *out)
{
	Dwarf_Attribute a = die_attribute(r, die, DW_AT_data_member_location);
	Dwarf_Error error = NULL;
	Dwarf_Block *block = NULL;
	bool ok;

	if (a == NULL) {
		*out = 0; /* a member of a union, or the first one */
		return true;
	}
	ok = attribute_number(r, a, out);
	if (!ok && is_ok(r, dwarf_formblock(a, &block, &error), error)) {
		ok = plus_constant(span_of(block->bl_data, (size_t)block->bl_len), out);
		dwarf_dealloc(r->dbg, block, DW_DLA_BLOCK);
	}
	attribute_free(r, a);
	return ok;
}

bool die_low_pc(struct reader *r, Dwarf_Die die, uint64_t *out)
{
	Dwarf_Error error = NULL;
	Dwarf_Addr addr = 0;

	if (!is_ok(r, dwarf_lowpc(die, &addr, &error), error))
		return false;
	*out = addr;
	return true;
}

bool die_reference(struct reader *r, Dwarf_Die die, Dwarf_Half attr, Dwarf_Off *out)
{
	Dwarf_Attribute a = die_attribute(r, die, attr);
	Dwarf_Error error = NULL;
	Dwarf_Half form = 0;
	bool ok;

	if (a == NULL)
		return false;
	/* References to other files, and to type units by signature, are not followed. */
	ok = is_ok(r, dwarf_whatform(a, &form, &error), error) && form != DW_FORM_GNU_ref_alt &&
	     form != DW_FORM_ref_sig8;
	error = NULL;
	ok = ok && is_ok(r, dwarf_global_formref(a, out, &error), error);
	attribute_free(r, a);
	return ok;
}

Dwarf_Half attribute_form(struct reader *r, Dwarf_Attribute a)
{
	Dwarf_Error error = NULL;
	Dwarf_Half form = 0;

	return is_ok(r, dwarf_whatform(a, &form, &error), error) ? form : 0;
}

bool attribute_address(struct reader *r, Dwarf_Attribute a, uint64_t *out)
{
	Dwarf_Error error = NULL;
	Dwarf_Addr address = 0;

	if (!is_ok(r, dwarf_formaddr(a, &address, &error), error))
		return false;
	*out = address;
	return true;
}

bool attribute_index(struct reader *r, Dwarf_Attribute a, uint64_t *out)
{
	Dwarf_Error error = NULL;
	Dwarf_Unsigned index = 0;

	if (!is_ok(r, dwarf_get_debug_addr_index(a, &index, &error), error))
		return false;
	*out = index;
	return true;
}

bool attribute_offset(struct reader *r, Dwarf_Attribute a, uint64_t *out)
{
	Dwarf_Error error = NULL;
	Dwarf_Off offset = 0;

	if (attribute_number(r, a, out))
		return true;
	if (!is_ok(r, dwarf_global_formref(a, &offset, &error), error))
		return false;
	*out = offset;
	return true;
}

bool attribute_offset_of_die(struct reader *r, Dwarf_Attribute a, Dwarf_Off *out)
{
	Dwarf_Error error = NULL;

	return is_ok(r, dwarf_global_formref(a, out, &error), error);
}

const char *die_text(struct reader *r, Dwarf_Die die, Dwarf_Half attr)
{
	Dwarf_Attribute a = die_attribute(r, die, attr);
	Dwarf_Error error = NULL;
	char *text = NULL;
	bool ok;

	if (a == NULL)
		return NULL;
	ok = is_ok(r, dwarf_formstring(a, &text, &error), error);
	attribute_free(r, a);
	return ok ? text : NULL;
}

Dwarf_Debug reader_debug(struct reader *r)
{
	return r->dbg;
}

void reader_tie(struct reader *r, struct reader *to)
{
	Dwarf_Error error = NULL;

	(void)is_ok(r, dwarf_set_tied_dbg(r->dbg, to->dbg, &error), error);
}

#endif
