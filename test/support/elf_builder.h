/* ELF files made to order in memory, sound or broken on purpose, of either class: the structures are written
 * down as those of ELF-64 and cut to size in the end.
 *
 *   0     ELF header
 *   64    (or 52) room for ELF_BUILDER_MAX program headers
 *   …     whatever was added, in order
 *   end   section names, section headers (added by elf_builder_finish) */
#ifndef SUPPORT_ELF_BUILDER_H
#define SUPPORT_ELF_BUILDER_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_BUILDER_MAX = 24 };

/* Class of the files that are started from now on: ELFCLASS64, or ELFCLASS32 (then EM_386). */
extern unsigned char elf_builder_class;

struct elf_builder {
	uint8_t *bytes;
	size_t n;
	Elf64_Ehdr eh;
	Elf64_Phdr phdrs[ELF_BUILDER_MAX];
	Elf64_Shdr shdrs[ELF_BUILDER_MAX];
	char names[1024];
	size_t name_n;
};

struct elf_builder_sym {
	const char *name;
	uint64_t value, size;
	unsigned char bind, type;
	uint16_t shndx;
};

/* Start a file of type ET_*. Aborts without memory, like all of these. */
void elf_builder_start(struct elf_builder *b, uint16_t type);
void elf_builder_free(struct elf_builder *b);

/* Append n bytes (zeros when data is NULL) at the next multiple of align; their file offset. */
uint64_t elf_builder_add(struct elf_builder *b, const void *data, size_t n, size_t align);

void elf_builder_segment(struct elf_builder *b, uint32_t type, uint32_t flags, uint64_t off, uint64_t vaddr,
    uint64_t filesz, uint64_t align);

/* A section over bytes that are there already; its index. */
size_t elf_builder_section(
    struct elf_builder *b, const char *name, uint32_t type, uint64_t addr, uint64_t off, uint64_t size);

/* A symbol table (SHT_SYMTAB or SHT_DYNSYM) of n symbols after the null symbol, with its string table;
 * the table's section index. */
size_t elf_builder_symbols(
    struct elf_builder *b, uint32_t type, const struct elf_builder_sym *syms, size_t n);

/* A GNU build-id note, as bytes in the file; its offset, and its size in *size. */
uint64_t elf_builder_build_id(struct elf_builder *b, const void *id, size_t n, size_t *size);

/* Bytes of a section header, program header, symbol and compression header of b's class. */
size_t elf_builder_shdr(const struct elf_builder *b);
size_t elf_builder_phdr(const struct elf_builder *b);
size_t elf_builder_sym(const struct elf_builder *b);

/* One program header as b's class has it, at `at`; how many bytes. */
size_t elf_builder_put_phdr(const struct elf_builder *b, const Elf64_Phdr *ph, void *at);

/* Write the headers. Adding more after this is an error; changing bytes is not. */
void elf_builder_finish(struct elf_builder *b);

/* The first n bytes of the finished file as a memfd of their own; the caller closes it. */
int elf_builder_fd(const struct elf_builder *b, size_t n);

#endif
