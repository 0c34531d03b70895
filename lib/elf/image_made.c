/* See image_made.h. */
#include "elf/image_made.h"

#include <stdlib.h>
#include <string.h>

#include "elf/image_impl.h"

/* The bytes of a section, which are malloc'd by elf_image_made. NULL: they are not all in the file,
 * or compressed. */
static uint8_t *bytes_of(uint8_t *file, size_t n, const GElf_Shdr *sh)
{
	if (sh->sh_type == SHT_NOBITS || (sh->sh_flags & SHF_COMPRESSED) != 0 || sh->sh_offset > n ||
	    sh->sh_size > n - sh->sh_offset)
		return NULL;
	return file + sh->sh_offset;
}

/* Where the value of a symbol is in it (System V ABI, "Symbol Table"). */
static size_t value_at(const struct elf_class *c)
{
	return c->word == 8 ? 8 : 4;
}

/* Add the addresses of their sections to the symbols' values. */
static void relocate_symbols(struct elf_image *img, uint8_t *file, size_t n)
{
	const struct elf_class *c = img->cls;
	GElf_Shdr table, section;
	GElf_Sym sym;
	uint8_t *at;

	if (!elf_image_shdr_of_type(img, SHT_SYMTAB, &table, NULL))
		return;
	at = bytes_of(file, n, &table);
	for (uint64_t i = 0; at != NULL && i < table.sh_size / c->sym; i++, at += c->sym) {
		uint64_t value;

		elf_class_sym(c, at, &sym);
		if (sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE ||
		    !elf_image_shdr(img, sym.st_shndx, &section))
			continue;
		value = sym.st_value + section.sh_addr;
		memcpy(at + value_at(c), &value, c->word); /* both are little-endian */
	}
}

/* Put the .eh_frame that is loaded in the place of the file's. What cannot be read is a terminator,
 * so that nothing is described wrongly. */
static void take_eh_frame(struct elf_image *img, const struct elf_memory *memory, uint8_t *file, size_t n)
{
	GElf_Shdr sh;
	size_t got = 0;
	uint8_t *at;

	if (elf_image_section(img, ".eh_frame", &sh, NULL) != RES_OK)
		return;
	at = bytes_of(file, n, &sh);
	if (at == NULL)
		return;
	while (got < sh.sh_size && sh.sh_addr != 0) {
		ssize_t more =
		    memory->read(memory->data, at + got, (size_t)sh.sh_size - got, sh.sh_addr + got);

		if (more <= 0)
			break;
		got += (size_t)more;
	}
	if (got < sh.sh_size)
		memset(at, 0, (size_t)sh.sh_size);
}

enum res elf_image_made(const struct elf_memory *memory, struct elf_image **out, struct fault *f)
{
	size_t n = memory->limit, got = 0;
	uint8_t *file = malloc(n == 0 ? 1 : n);
	enum res res;

	if (file == NULL)
		return fault_memory(f);
	while (got < n) {
		ssize_t more = memory->read(memory->data, file + got, n - got, memory->base + got);

		if (more <= 0)
			break;
		got += (size_t)more;
	}
	if (got < n) {
		free(file);
		return fault_set(f, ELF_FAULT_FORMAT, 0, memory->base, "unreadable ELF file in memory");
	}
	res = elf_image_from_bytes(file, n, out, f);
	if (res != RES_OK || elf_image_ehdr(*out)->e_type != ET_REL)
		return res;
	relocate_symbols(*out, file, n);
	take_eh_frame(*out, memory, file, n);
	return RES_OK;
}

bool elf_image_made_code(struct elf_image *img, size_t *section, uint64_t *lo, uint64_t *hi)
{
	const GElf_Xword code = SHF_ALLOC | SHF_EXECINSTR;
	GElf_Shdr sh;

	while (elf_image_shdr(img, (*section)++, &sh)) {
		if ((sh.sh_flags & code) == code && sh.sh_addr != 0 && sh.sh_size != 0 &&
		    sh.sh_size <= UINT64_MAX - sh.sh_addr) {
			*lo = sh.sh_addr;
			*hi = sh.sh_addr + sh.sh_size;
			return true;
		}
	}
	return false;
}
