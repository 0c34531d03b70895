/* Stand-in for illumos <gelf.h> and <libelf.h>: what is used of them. */
#ifndef STAND_IN_GELF_H
#define STAND_IN_GELF_H

#include <elf.h>

typedef struct Elf Elf;
typedef Elf64_Ehdr GElf_Ehdr;
typedef Elf64_Phdr GElf_Phdr;
typedef Elf64_Shdr GElf_Shdr;
typedef Elf64_Sym GElf_Sym;
typedef Elf64_Dyn GElf_Dyn;
typedef Elf64_Xword GElf_Xword;

#define GELF_ST_BIND(info) ((info) >> 4)
#define GELF_ST_TYPE(info) ((info)&0xf)

extern int elf_end(Elf *);
extern Elf *elf_memory(char *, size_t);
extern unsigned int elf_version(unsigned int);

#endif
