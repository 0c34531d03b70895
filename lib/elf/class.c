/* Conversion of ELF structures of either class. */
#include "elf/class.h"

#include <string.h>

static const struct elf_class class_32 = {
	.word = 4,
	.ehdr = sizeof(Elf32_Ehdr),
	.phdr = sizeof(Elf32_Phdr),
	.shdr = sizeof(Elf32_Shdr),
	.sym = sizeof(Elf32_Sym),
	.dyn = sizeof(Elf32_Dyn),
	.chdr = sizeof(struct elf32_chdr),
};

static const struct elf_class class_64 = {
	.word = 8,
	.ehdr = sizeof(Elf64_Ehdr),
	.phdr = sizeof(Elf64_Phdr),
	.shdr = sizeof(Elf64_Shdr),
	.sym = sizeof(Elf64_Sym),
	.dyn = sizeof(Elf64_Dyn),
	.chdr = sizeof(struct elf_chdr),
};

const struct elf_class *elf_class_of(const uint8_t ident[EI_NIDENT])
{
	switch (ident[EI_CLASS]) {
	case ELFCLASS32:
		return &class_32;
	case ELFCLASS64:
		return &class_64;
	default:
		return NULL;
	}
}

void elf_class_ehdr(const struct elf_class *c, const void *at, GElf_Ehdr *out)
{
	Elf32_Ehdr eh;

	if (c->word == 8) {
		memcpy(out, at, sizeof(*out));
		return;
	}
	memcpy(&eh, at, sizeof(eh));
	*out = (GElf_Ehdr){
		.e_type = eh.e_type,
		.e_machine = eh.e_machine,
		.e_version = eh.e_version,
		.e_entry = eh.e_entry,
		.e_phoff = eh.e_phoff,
		.e_shoff = eh.e_shoff,
		.e_flags = eh.e_flags,
		.e_ehsize = eh.e_ehsize,
		.e_phentsize = eh.e_phentsize,
		.e_phnum = eh.e_phnum,
		.e_shentsize = eh.e_shentsize,
		.e_shnum = eh.e_shnum,
		.e_shstrndx = eh.e_shstrndx,
	};
	memcpy(out->e_ident, eh.e_ident, sizeof(out->e_ident));
}

void elf_class_phdr(const struct elf_class *c, const void *at, GElf_Phdr *out)
{
	Elf32_Phdr ph;

	if (c->word == 8) {
		memcpy(out, at, sizeof(*out));
		return;
	}
	memcpy(&ph, at, sizeof(ph));
	*out = (GElf_Phdr){
		.p_type = ph.p_type,
		.p_flags = ph.p_flags,
		.p_offset = ph.p_offset,
		.p_vaddr = ph.p_vaddr,
		.p_paddr = ph.p_paddr,
		.p_filesz = ph.p_filesz,
		.p_memsz = ph.p_memsz,
		.p_align = ph.p_align,
	};
}

void elf_class_shdr(const struct elf_class *c, const void *at, GElf_Shdr *out)
{
	Elf32_Shdr sh;

	if (c->word == 8) {
		memcpy(out, at, sizeof(*out));
		return;
	}
	memcpy(&sh, at, sizeof(sh));
	*out = (GElf_Shdr){
		.sh_name = sh.sh_name,
		.sh_type = sh.sh_type,
		.sh_flags = sh.sh_flags,
		.sh_addr = sh.sh_addr,
		.sh_offset = sh.sh_offset,
		.sh_size = sh.sh_size,
		.sh_link = sh.sh_link,
		.sh_info = sh.sh_info,
		.sh_addralign = sh.sh_addralign,
		.sh_entsize = sh.sh_entsize,
	};
}

void elf_class_sym(const struct elf_class *c, const void *at, GElf_Sym *out)
{
	Elf32_Sym sym;

	if (c->word == 8) {
		memcpy(out, at, sizeof(*out));
		return;
	}
	memcpy(&sym, at, sizeof(sym));
	*out = (GElf_Sym){
		.st_name = sym.st_name,
		.st_info = sym.st_info,
		.st_other = sym.st_other,
		.st_shndx = sym.st_shndx,
		.st_value = sym.st_value,
		.st_size = sym.st_size,
	};
}

void elf_class_dyn(const struct elf_class *c, const void *at, GElf_Dyn *out)
{
	Elf32_Dyn dyn;

	if (c->word == 8) {
		memcpy(out, at, sizeof(*out));
		return;
	}
	memcpy(&dyn, at, sizeof(dyn));
	*out = (GElf_Dyn){ .d_tag = (uint32_t)dyn.d_tag, .d_un.d_val = (uint32_t)dyn.d_un.d_val };
}

void elf_class_chdr(const struct elf_class *c, const void *at, struct elf_chdr *out)
{
	struct elf32_chdr ch;

	if (c->word == 8) {
		memcpy(out, at, sizeof(*out));
		return;
	}
	memcpy(&ch, at, sizeof(ch));
	*out = (struct elf_chdr){
		.ch_type = ch.ch_type, .ch_size = ch.ch_size, .ch_addralign = ch.ch_addralign
	};
}

void elf_class_drop_sections(const struct elf_class *c, void *at)
{
	uint8_t *eh = at;

	if (c->word == 8) {
		memset(eh + offsetof(Elf64_Ehdr, e_shoff), 0, sizeof(Elf64_Off));
		memset(eh + offsetof(Elf64_Ehdr, e_shnum), 0, 2 * sizeof(Elf64_Half));
	} else {
		memset(eh + offsetof(Elf32_Ehdr, e_shoff), 0, sizeof(Elf32_Off));
		memset(eh + offsetof(Elf32_Ehdr, e_shnum), 0, 2 * sizeof(Elf32_Half));
	}
}
