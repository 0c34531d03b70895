/* See slots.h. A relocation names its symbol in the upper part of r_info (ELF gABI, "Relocation");
 * of which type it is does not matter here: all that refer to a function set a word to its
 * address. */
#include "elf/slots.h"

#include <string.h>

enum { SECTIONS_MAX = 1 << 16 };

/* The dynamic symbols, and their names. */
struct dynamic {
	const struct elf_class *class;
	struct span symbols, names;
	size_t index; /* of the section of symbols */
};

static bool dynamic_of(struct elf_image *img, struct dynamic *out)
{
	GElf_Shdr shdr;

	out->class = elf_image_class(img);
	return elf_image_shdr_of_type(img, SHT_DYNSYM, &shdr, &out->index) &&
	       elf_image_section_bytes(img, out->index, &out->symbols) == RES_OK &&
	       elf_image_section_bytes(img, shdr.sh_link, &out->names) == RES_OK;
}

/* Is symbol i called so? */
static bool is_named(const struct dynamic *d, uint64_t i, const char *name)
{
	size_t n = strlen(name) + 1;
	GElf_Sym sym;

	if (i >= span_left(&d->symbols) / d->class->sym)
		return false;
	elf_class_sym(d->class, d->symbols.at + i * d->class->sym, &sym);
	return sym.st_name < span_left(&d->names) && span_left(&d->names) - sym.st_name >= n &&
	       memcmp(d->names.at + sym.st_name, name, n) == 0;
}

static uint64_t entry_number(const uint8_t *at, unsigned size)
{
	uint64_t word = 0;

	memcpy(&word, at, size);
	return word;
}

static bool search_relocations(
    const struct dynamic *d, struct span bytes, size_t size, const char *name, elf_slot_fn *each, void *data)
{
	unsigned word = d->class->word, shift = word == 8 ? 32 : 8;

	for (; span_left(&bytes) >= size; bytes.at += size) {
		uint64_t info = entry_number(bytes.at + word, word);

		if (info >> shift != 0 && is_named(d, info >> shift, name) &&
		    !each(data, entry_number(bytes.at, word)))
			return false;
	}
	return true;
}

enum res elf_slots_of(struct elf_image *img, const char *name, elf_slot_fn *each, void *data)
{
	struct dynamic d;
	enum res res = RES_NONE;

	if (!dynamic_of(img, &d))
		return RES_NONE;
	for (size_t i = 1; i < elf_image_shnum(img) && i < SECTIONS_MAX; i++) {
		GElf_Shdr shdr;
		struct span bytes;

		if (!elf_image_shdr(img, i, &shdr) || (shdr.sh_type != SHT_RELA && shdr.sh_type != SHT_REL) ||
		    shdr.sh_link != d.index)
			continue;
		if (elf_image_section_bytes(img, i, &bytes) != RES_OK ||
		    !search_relocations(
			&d, bytes, (shdr.sh_type == SHT_RELA ? 3U : 2U) * d.class->word, name, each, data))
			return RES_FAIL;
		res = RES_OK;
	}
	return res;
}
