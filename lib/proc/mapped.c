/* See mapped.h. */
#include "proc/mapped.h"

#include <string.h>

bool mapped_open(struct mapped *w, elf_read_fn *read, void *data, uint64_t base)
{
	ssize_t got = read == NULL ? 0 : read(data, w->page, sizeof(w->page), base);

	w->read = read;
	w->data = data;
	w->base = base;
	w->n = got > 0 ? (size_t)got : 0;
	return w->n > 0;
}

bool mapped_read(struct mapped *w, void *buf, size_t n, uint64_t va)
{
	if (va >= w->base && va - w->base <= w->n && n <= w->n - (va - w->base)) {
		memcpy(buf, w->page + (va - w->base), n);
		return true;
	}
	return w->read(w->data, buf, n, va) == (ssize_t)n;
}

enum res mapped_phdrs(struct mapped *w, GElf_Phdr phdrs[MAPPED_PHDRS], size_t *n)
{
	uint8_t head[sizeof(GElf_Ehdr)], raw[MAPPED_PHDRS * sizeof(GElf_Phdr)];
	const struct elf_class *c;
	GElf_Ehdr ehdr;

	if (!mapped_read(w, head, sizeof(head), w->base))
		return RES_FAIL;
	c = elf_class_of(head);
	if (memcmp(head, ELFMAG, SELFMAG) != 0 || c == NULL)
		return RES_NONE;
	elf_class_ehdr(c, head, &ehdr);
	if (ehdr.e_phentsize != c->phdr || ehdr.e_phnum == 0)
		return RES_NONE;
	*n = ehdr.e_phnum < MAPPED_PHDRS ? ehdr.e_phnum : MAPPED_PHDRS;
	if (!mapped_read(w, raw, *n * c->phdr, w->base + ehdr.e_phoff))
		return RES_FAIL;
	for (size_t i = 0; i < *n; i++)
		elf_class_phdr(c, raw + i * c->phdr, &phdrs[i]);
	return RES_OK;
}

uint64_t mapped_bias(const GElf_Phdr *phdrs, size_t n, uint64_t base)
{
	for (size_t i = 0; i < n; i++) {
		/* Unsigned subtraction may wrap: a bias can be "negative". */
		if (phdrs[i].p_type == PT_LOAD && phdrs[i].p_offset < MAPPED_PAGE)
			return base - (phdrs[i].p_vaddr - phdrs[i].p_offset);
	}
	return base;
}
