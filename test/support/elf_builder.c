/* Making ELF files: see the layout in the header. */
#include "support/elf_builder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

unsigned char elf_builder_class = ELFCLASS64;

static int is_32bit(const struct elf_builder *b)
{
	return b->eh.e_ident[EI_CLASS] == ELFCLASS32;
}

size_t elf_builder_shdr(const struct elf_builder *b)
{
	return is_32bit(b) ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr);
}

size_t elf_builder_phdr(const struct elf_builder *b)
{
	return is_32bit(b) ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
}

size_t elf_builder_sym(const struct elf_builder *b)
{
	return is_32bit(b) ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym);
}

size_t elf_builder_put_phdr(const struct elf_builder *b, const Elf64_Phdr *ph, void *at)
{
	Elf32_Phdr cut = { ph->p_type, (Elf32_Off)ph->p_offset, (Elf32_Addr)ph->p_vaddr,
		(Elf32_Addr)ph->p_paddr, (Elf32_Word)ph->p_filesz, (Elf32_Word)ph->p_memsz, ph->p_flags,
		(Elf32_Word)ph->p_align };

	if (is_32bit(b))
		memcpy(at, &cut, sizeof(cut));
	else
		memcpy(at, ph, sizeof(*ph));
	return elf_builder_phdr(b);
}

static void put_shdr(const struct elf_builder *b, const Elf64_Shdr *sh, void *at)
{
	Elf32_Shdr cut = { sh->sh_name, sh->sh_type, (Elf32_Word)sh->sh_flags, (Elf32_Addr)sh->sh_addr,
		(Elf32_Off)sh->sh_offset, (Elf32_Word)sh->sh_size, sh->sh_link, sh->sh_info,
		(Elf32_Word)sh->sh_addralign, (Elf32_Word)sh->sh_entsize };

	if (is_32bit(b))
		memcpy(at, &cut, sizeof(cut));
	else
		memcpy(at, sh, sizeof(*sh));
}

static void put_sym(const struct elf_builder *b, const Elf64_Sym *sym, void *at)
{
	Elf32_Sym cut = { sym->st_name, (Elf32_Addr)sym->st_value, (Elf32_Word)sym->st_size, sym->st_info,
		sym->st_other, sym->st_shndx };

	if (is_32bit(b))
		memcpy(at, &cut, sizeof(cut));
	else
		memcpy(at, sym, sizeof(*sym));
}

static void put_ehdr(const struct elf_builder *b, void *at)
{
	const Elf64_Ehdr *eh = &b->eh;
	Elf32_Ehdr cut = { .e_type = eh->e_type,
		.e_machine = eh->e_machine,
		.e_version = eh->e_version,
		.e_entry = (Elf32_Addr)eh->e_entry,
		.e_phoff = (Elf32_Off)eh->e_phoff,
		.e_shoff = (Elf32_Off)eh->e_shoff,
		.e_flags = eh->e_flags,
		.e_ehsize = eh->e_ehsize,
		.e_phentsize = eh->e_phentsize,
		.e_phnum = eh->e_phnum,
		.e_shentsize = eh->e_shentsize,
		.e_shnum = eh->e_shnum,
		.e_shstrndx = eh->e_shstrndx };

	memcpy(cut.e_ident, eh->e_ident, sizeof(cut.e_ident));
	if (is_32bit(b))
		memcpy(at, &cut, sizeof(cut));
	else
		memcpy(at, eh, sizeof(*eh));
}

void elf_builder_start(struct elf_builder *b, uint16_t type)
{
	memset(b, 0, sizeof(*b));
	memcpy(b->eh.e_ident, ELFMAG, SELFMAG);
	b->eh.e_ident[EI_CLASS] = elf_builder_class;
	b->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	b->eh.e_ident[EI_VERSION] = EV_CURRENT;
	b->eh.e_type = type;
	b->eh.e_machine = is_32bit(b) ? EM_386 : EM_X86_64;
	b->eh.e_version = EV_CURRENT;
	b->eh.e_phoff = is_32bit(b) ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);
	b->eh.e_ehsize = (Elf64_Half)b->eh.e_phoff;
	b->eh.e_phentsize = (Elf64_Half)elf_builder_phdr(b);
	b->eh.e_shentsize = (Elf64_Half)elf_builder_shdr(b);
	b->eh.e_shnum = 1;
	b->name_n = 1;
	(void)elf_builder_add(b, NULL, sizeof(b->eh) + sizeof(b->phdrs), 1);
}

void elf_builder_free(struct elf_builder *b)
{
	free(b->bytes);
	b->bytes = NULL;
}

uint64_t elf_builder_add(struct elf_builder *b, const void *data, size_t n, size_t align)
{
	size_t off = (b->n + align - 1) / align * align;
	uint8_t *grown = realloc(b->bytes, off + n + 1);

	if (grown == NULL)
		abort();
	b->bytes = grown;
	memset(b->bytes + b->n, 0, off + n - b->n);
	if (data != NULL && n != 0)
		memcpy(b->bytes + off, data, n);
	b->n = off + n;
	return off;
}

void elf_builder_segment(struct elf_builder *b, uint32_t type, uint32_t flags, uint64_t off, uint64_t vaddr,
    uint64_t filesz, uint64_t align)
{
	if (b->eh.e_phnum == ELF_BUILDER_MAX)
		abort();
	b->phdrs[b->eh.e_phnum++] = (Elf64_Phdr){ .p_type = type,
		.p_flags = flags,
		.p_offset = off,
		.p_vaddr = vaddr,
		.p_paddr = vaddr,
		.p_filesz = filesz,
		.p_memsz = filesz,
		.p_align = align };
}

size_t elf_builder_section(
    struct elf_builder *b, const char *name, uint32_t type, uint64_t addr, uint64_t off, uint64_t size)
{
	size_t n = strlen(name) + 1;

	if (b->eh.e_shnum == ELF_BUILDER_MAX || b->name_n + n > sizeof(b->names))
		abort();
	memcpy(b->names + b->name_n, name, n);
	b->shdrs[b->eh.e_shnum] = (Elf64_Shdr){ .sh_name = (uint32_t)b->name_n,
		.sh_type = type,
		.sh_addr = addr,
		.sh_offset = off,
		.sh_size = size,
		.sh_addralign = 4 };
	b->name_n += n;
	return b->eh.e_shnum++;
}

size_t elf_builder_symbols(struct elf_builder *b, uint32_t type, const struct elf_builder_sym *syms, size_t n)
{
	size_t size = elf_builder_sym(b);
	uint8_t *table = calloc(n + 1, size);
	size_t room = 1, at = 1, names, index;
	char *text;

	for (size_t i = 0; i < n; i++)
		room += strlen(syms[i].name) + 1;
	text = calloc(1, room);
	if (table == NULL || text == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(syms[i].name) + 1;

		memcpy(text + at, syms[i].name, len);
		put_sym(b,
		    &(Elf64_Sym){ .st_name = (uint32_t)at,
			.st_info = (unsigned char)ELF64_ST_INFO(syms[i].bind, syms[i].type),
			.st_shndx = syms[i].shndx,
			.st_value = syms[i].value,
			.st_size = syms[i].size },
		    table + (i + 1) * size);
		at += len;
	}
	names = elf_builder_section(b, type == SHT_DYNSYM ? ".dynstr" : ".strtab", SHT_STRTAB, 0,
	    elf_builder_add(b, text, room, 1), room);
	/* Not aligned: readers must not count on it. */
	index = elf_builder_section(b, type == SHT_DYNSYM ? ".dynsym" : ".symtab", type, 0,
	    elf_builder_add(b, table, (n + 1) * size, 1), (n + 1) * size);
	b->shdrs[index].sh_link = (uint32_t)names;
	b->shdrs[index].sh_entsize = size;
	free(text);
	free(table);
	return index;
}

uint64_t elf_builder_build_id(struct elf_builder *b, const void *id, size_t n, size_t *size)
{
	const uint32_t head[3] = { 4, (uint32_t)n, NT_GNU_BUILD_ID };
	uint64_t off = elf_builder_add(b, head, sizeof(head), 4);

	(void)elf_builder_add(b, "GNU", 4, 1);
	(void)elf_builder_add(b, id, n, 1);
	(void)elf_builder_add(b, NULL, 0, 4);
	*size = b->n - off;
	return off;
}

void elf_builder_finish(struct elf_builder *b)
{
	size_t names = elf_builder_section(b, ".shstrtab", SHT_STRTAB, 0, 0, 0);

	b->shdrs[names].sh_offset = elf_builder_add(b, b->names, b->name_n, 1);
	b->shdrs[names].sh_size = b->name_n;
	b->eh.e_shstrndx = (uint16_t)names;
	b->eh.e_shoff = elf_builder_add(b, NULL, b->eh.e_shnum * elf_builder_shdr(b), 8);
	for (size_t i = 0; i < b->eh.e_shnum; i++)
		put_shdr(b, &b->shdrs[i], b->bytes + b->eh.e_shoff + i * elf_builder_shdr(b));
	put_ehdr(b, b->bytes);
	for (size_t i = 0; i < ELF_BUILDER_MAX; i++)
		(void)elf_builder_put_phdr(
		    b, &b->phdrs[i], b->bytes + b->eh.e_phoff + i * elf_builder_phdr(b));
}

int elf_builder_fd(const struct elf_builder *b, size_t n)
{
	int fd = memfd_create("elf_builder", MFD_CLOEXEC);

	if (fd < 0 || write(fd, b->bytes, n) != (ssize_t)n)
		abort();
	return fd;
}
