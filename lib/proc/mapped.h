/* PRIVATE to lib/proc: ELF headers of mapped files, read from memory, none of which is trusted. */
#ifndef PROC_MAPPED_H
#define PROC_MAPPED_H

#include "elf/image.h"

enum { MAPPED_PHDRS = 128, MAPPED_PAGE = 4096 }; /* real files have about a dozen program headers */

/* The first page mapped at base, read once. It holds most of the data that callers need; the rest
 * is read from memory. */
struct mapped {
	elf_read_fn *read;
	void *data;
	uint64_t base;
	size_t n;
	uint8_t page[MAPPED_PAGE];
};

/* False: nothing can be read at base (or read is NULL). */
bool mapped_open(struct mapped *w, elf_read_fn *read, void *data, uint64_t base);
bool mapped_read(struct mapped *w, void *buf, size_t n, uint64_t va);

/* The program headers of the ELF file mapped at base, and their number, at most MAPPED_PHDRS.
 * RES_NONE: it is not an ELF file; RES_FAIL: unreadable. */
enum res mapped_phdrs(struct mapped *w, GElf_Phdr phdrs[MAPPED_PHDRS], size_t *n);

/* Load bias of a file whose ELF header is mapped at base: base − address of file offset 0. */
uint64_t mapped_bias(const GElf_Phdr *phdrs, size_t n, uint64_t base);

#endif
