/* ELF files of either class, built in memory, valid or deliberately invalid. The caller fills in
 * ELF-64 structures, which are converted at the end.
 *
 *   0     ELF header
 *   64    (or 52) room for ELF_BUILDER_MAX program headers
 *   …     the bytes added, in order
 *   end   section names, section headers (added by elf_builder_finish) */
#ifndef SUPPORT_ELF_BUILDER_H
#define SUPPORT_ELF_BUILDER_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_BUILDER_MAX = 24 };

/* Class of the files started from now on: ELFCLASS64, or ELFCLASS32 (then EM_386). */
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

/* Start a file of type ET_*. Like all functions here, aborts if out of memory. */
void elf_builder_start(struct elf_builder *b, uint16_t type);
void elf_builder_free(struct elf_builder *b);

/* Append n bytes (zeros if data is NULL) at the next multiple of align. Returns their file
 * offset. */
uint64_t elf_builder_add(struct elf_builder *b, const void *data, size_t n, size_t align);

void elf_builder_segment(struct elf_builder *b, uint32_t type, uint32_t flags, uint64_t off, uint64_t vaddr,
    uint64_t filesz, uint64_t align);

/* Add a section over bytes that have been added. Returns its index. */
size_t elf_builder_section(
    struct elf_builder *b, const char *name, uint32_t type, uint64_t addr, uint64_t off, uint64_t size);

/* Add a symbol table (SHT_SYMTAB or SHT_DYNSYM) of n symbols after the null symbol, with its string
 * table. Returns the symbol table's section index. */
size_t elf_builder_symbols(
    struct elf_builder *b, uint32_t type, const struct elf_builder_sym *syms, size_t n);

/* Append a GNU build-id note. Returns its file offset; *size is its size. */
uint64_t elf_builder_build_id(struct elf_builder *b, const void *id, size_t n, size_t *size);

/* Bytes of a section header, program header, symbol and compression header of b's class. */
size_t elf_builder_shdr(const struct elf_builder *b);
size_t elf_builder_phdr(const struct elf_builder *b);
size_t elf_builder_sym(const struct elf_builder *b);

/* Write a program header of b's class at `at`. Returns its size. */
size_t elf_builder_put_phdr(const struct elf_builder *b, const Elf64_Phdr *ph, void *at);

/* Write the headers. After this, bytes may be changed but not added. */
void elf_builder_finish(struct elf_builder *b);

/* The first n bytes of the finished file as a new memfd, which the caller must close. */
int elf_builder_fd(const struct elf_builder *b, size_t n);

#endif
