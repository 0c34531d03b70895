/* Sections of an image, read from the section header table, and the build-id.
 *
 * A program runs without sections, so tools strip, reorder and compress them. Every index, offset
 * and name is checked where it is used. */
#include <stdlib.h>
#include <string.h>

#include "elf/image.h"
#include "elf/image_impl.h"
#include "elf/notes.h"
#include "elf/unpack.h"

static bool read_shdr(const struct elf_image *img, size_t index, GElf_Shdr *out)
{
	size_t size = img->cls->shdr;
	uint64_t off = img->ehdr.e_shoff, into = (uint64_t)index * size;
	const void *at;

	if (off == 0 || img->ehdr.e_shentsize != size || off > UINT64_MAX - into)
		return false;
	at = elf_image_bytes(img, off + into, size);
	if (at == NULL)
		return false;
	elf_class_shdr(img->cls, at, out);
	return true;
}

/* Numbers that do not fit into the ELF header are in section 0 (System V ABI): sh_size if e_shnum
 * is 0, sh_link if e_shstrndx is SHN_XINDEX. */
static void find_sections(struct elf_image *img)
{
	GElf_Shdr first, names;
	uint64_t n = img->ehdr.e_shnum;
	size_t names_index = img->ehdr.e_shstrndx, avail;

	if (img->sections_tried)
		return;
	img->sections_tried = true;
	if (!read_shdr(img, 0, &first))
		return;
	if (n == 0)
		n = first.sh_size;
	if (n > ELF_SHDRS_MAX)
		n = ELF_SHDRS_MAX;
	(void)elf_image_prefix(img, img->ehdr.e_shoff, (size_t)n * img->cls->shdr, &avail);
	img->shnum = avail / img->cls->shdr;
	if (names_index == SHN_XINDEX)
		names_index = first.sh_link;
	if (names_index != 0 && elf_image_shdr(img, names_index, &names))
		(void)elf_image_section_bytes(img, names_index, &img->section_names);
}

size_t elf_image_shnum(struct elf_image *img)
{
	find_sections(img);
	return img->shnum;
}

bool elf_image_shdr(struct elf_image *img, size_t index, GElf_Shdr *out)
{
	find_sections(img);
	return index < img->shnum && read_shdr(img, index, out);
}

static enum res inflate_section(struct elf_image *img, size_t index, struct span packed, struct span *bytes)
{
	struct elf_chdr head;
	struct span first;
	struct elf_inflated item = { index, NULL, 0 };

	for (size_t i = 0; i < img->inflated.n; i++) {
		if (img->inflated.at[i].index == index) {
			*bytes = span_of(img->inflated.at[i].bytes, img->inflated.at[i].n);
			return RES_OK;
		}
	}
	if (!span_cut(&packed, img->cls->chdr, &first))
		return RES_FAIL;
	elf_class_chdr(img->cls, first.at, &head);
	item.n = (size_t)head.ch_size;
	item.bytes = unpack_section(head.ch_type, packed, head.ch_size);
	if (item.bytes == NULL)
		return RES_FAIL;
	if (!vec_push(&img->inflated, item)) {
		free(item.bytes);
		return RES_FAIL;
	}
	*bytes = span_of(item.bytes, item.n);
	return RES_OK;
}

enum res elf_image_section_bytes(struct elf_image *img, size_t index, struct span *bytes)
{
	GElf_Shdr sh;
	const void *at;

	if (!elf_image_shdr(img, index, &sh))
		return RES_NONE;
	if (sh.sh_type == SHT_NOBITS || sh.sh_type == SHT_NULL) {
		*bytes = span_of(NULL, 0);
		return RES_OK;
	}
	at = elf_image_bytes(img, sh.sh_offset, (size_t)sh.sh_size);
	if (at == NULL)
		return RES_FAIL;
	if ((sh.sh_flags & SHF_COMPRESSED) != 0)
		return inflate_section(img, index, span_of(at, (size_t)sh.sh_size), bytes);
	*bytes = span_of(at, (size_t)sh.sh_size);
	return RES_OK;
}

bool elf_image_shdr_of_type(struct elf_image *img, uint32_t type, GElf_Shdr *out, size_t *index)
{
	GElf_Shdr sh;

	find_sections(img);
	for (size_t i = 1; i < img->shnum; i++) {
		if (!read_shdr(img, i, &sh) || sh.sh_type != type)
			continue;
		*out = sh;
		if (index != NULL)
			*index = i;
		return true;
	}
	return false;
}

enum res elf_image_section(struct elf_image *img, const char *name, GElf_Shdr *shdr, struct span *bytes)
{
	size_t n = strlen(name) + 1;

	find_sections(img);
	for (size_t i = 1; i < img->shnum; i++) {
		struct span names = img->section_names, ignored;
		GElf_Shdr sh;
		enum res res;

		if (!read_shdr(img, i, &sh) || !span_skip(&names, sh.sh_name) || span_left(&names) < n ||
		    memcmp(names.at, name, n) != 0)
			continue;
		res = bytes == NULL ? RES_OK : elf_image_section_bytes(img, i, &ignored);
		if (res != RES_OK)
			return RES_FAIL;
		if (bytes != NULL)
			*bytes = ignored;
		if (shdr != NULL)
			*shdr = sh;
		return RES_OK;
	}
	return RES_NONE;
}

/* --- build-id --- */

static bool build_id_in(struct span notes, uint64_t align, struct span *id)
{
	struct elf_note note;

	while (elf_note_next(&notes, (size_t)align, &note) == RES_OK) {
		if (note.type == NT_GNU_BUILD_ID && strcmp(note.name, "GNU") == 0 &&
		    span_left(&note.desc) > 0) {
			*id = note.desc;
			return true;
		}
	}
	return false;
}

enum res elf_image_build_id(struct elf_image *img, struct span *id)
{
	/* The notes of a core describe a process; build-ids in it are those of its mappings. */
	if (img->ehdr.e_type == ET_CORE)
		return RES_NONE;
	for (size_t i = 0; i < img->phnum; i++) {
		const GElf_Phdr *ph = &img->phdrs[i];
		size_t avail;
		const void *at;

		if (ph->p_type != PT_NOTE)
			continue;
		at = elf_image_prefix(img, ph->p_offset, (size_t)ph->p_filesz, &avail);
		if (at != NULL && build_id_in(span_of(at, avail), ph->p_align, id))
			return RES_OK;
	}
	for (size_t i = 1; i < elf_image_shnum(img); i++) {
		struct span notes;
		GElf_Shdr sh;

		if (elf_image_shdr(img, i, &sh) && sh.sh_type == SHT_NOTE &&
		    elf_image_section_bytes(img, i, &notes) == RES_OK &&
		    build_id_in(notes, sh.sh_addralign, id))
			return RES_OK;
	}
	return RES_NONE;
}
