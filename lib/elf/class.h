/* The two classes of ELF files. Structures of either class are returned as those of ELF-64 (GElf);
 * numbers of ELF-32 are zero-extended. Layouts: System V ABI, "Object Files". */
#ifndef ELF_CLASS_H
#define ELF_CLASS_H

#include <gelf.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/elf_compat.h"

/* Sizes in bytes of the structures of one class. */
struct elf_class {
	uint8_t word; /* an address */
	uint8_t ehdr, phdr, shdr, sym, dyn, chdr;
};

/* The class of a file that begins with these bytes; NULL: neither class. */
const struct elf_class *elf_class_of(const uint8_t ident[EI_NIDENT]);

/* Convert one structure at `at`, which need not be aligned. The caller must ensure that as many
 * bytes as the class defines are there. */
void elf_class_ehdr(const struct elf_class *c, const void *at, GElf_Ehdr *out);
void elf_class_phdr(const struct elf_class *c, const void *at, GElf_Phdr *out);
void elf_class_shdr(const struct elf_class *c, const void *at, GElf_Shdr *out);
void elf_class_sym(const struct elf_class *c, const void *at, GElf_Sym *out);
void elf_class_dyn(const struct elf_class *c, const void *at, GElf_Dyn *out);
void elf_class_chdr(const struct elf_class *c, const void *at, struct elf_chdr *out);

/* Change the ELF header at `at` so that it has no sections. */
void elf_class_drop_sections(const struct elf_class *c, void *at);

#endif
