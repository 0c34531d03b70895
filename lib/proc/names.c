/* Names of the program and its libraries if no mapping of their files gives them.
 *
 *   AT_PHDR ─> program headers of the executable ─> PT_DYNAMIC ─> DT_DEBUG ─> r_debug { version,
 *     r_map, … } ─> link_map { l_addr, l_name, l_ld, l_next, l_prev } of the executable ─> of each
 *     library …
 *
 * The structures are those of <link.h>, the same in glibc and musl, with words of the ELF class.
 * l_addr is the load bias and l_ld the address of PT_DYNAMIC. None of them is trusted. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "proc/handle.h"
#include "proc/mapped.h"

enum { LINKS_MAX = 4096, DYNS_MAX = 512 };

struct list {
	struct ps_prochandle *P;
	size_t word; /* size of an address */
};

static bool read_word(const struct list *l, uint64_t va, uint64_t *out)
{
	*out = 0;
	return handle_read_raw(l->P, out, l->word, va) == (ssize_t)l->word;
}

/* The address of the executable's PT_DYNAMIC; 0: unknown. */
static uint64_t exec_dynamic(struct list *l)
{
	long phdr = Pgetauxval(l->P, AT_PHDR), size = Pgetauxval(l->P, AT_PHENT),
	     n = Pgetauxval(l->P, AT_PHNUM);
	uint64_t bias = 0, dynamic = 0;

	if (phdr == -1 || n <= 0 || (size != sizeof(Elf64_Phdr) && size != sizeof(Elf32_Phdr)))
		return 0;
	l->word = size == sizeof(Elf64_Phdr) ? 8 : 4;
	for (long i = 0; i < n && i < MAPPED_PHDRS; i++) {
		const unsigned char ident[EI_NIDENT] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
			l->word == 8 ? ELFCLASS64 : ELFCLASS32 };
		uint8_t raw[sizeof(Elf64_Phdr)];
		GElf_Phdr ph;

		if (handle_read_raw(l->P, raw, (size_t)size, (uint64_t)phdr + (uint64_t)(i * size)) != size)
			return 0;
		elf_class_phdr(elf_class_of(ident), raw, &ph);
		if (ph.p_type == PT_PHDR)
			bias = (uint64_t)phdr - ph.p_vaddr;
		else if (ph.p_type == PT_DYNAMIC)
			dynamic = ph.p_vaddr;
	}
	return dynamic == 0 ? 0 : bias + dynamic;
}

/* r_debug.r_map; 0: not found. */
static uint64_t first_link(struct list *l)
{
	uint64_t va = exec_dynamic(l), tag, value, map;

	for (int i = 0; va != 0 && i < DYNS_MAX; i++, va += 2 * l->word) {
		if (!read_word(l, va, &tag) || !read_word(l, va + l->word, &value) || tag == DT_NULL)
			return 0;
		if (tag == DT_DEBUG)
			return value != 0 && read_word(l, value + l->word, &map) ? map : 0;
	}
	return 0;
}

static char *text_at(const struct list *l, uint64_t va)
{
	char text[PATH_MAX];
	ssize_t n = 0;

	while (n < PATH_MAX) {
		/* The name may end just before unmapped memory. */
		ssize_t want = 64 - (ssize_t)((va + (uint64_t)n) % 64);
		ssize_t got = handle_read_raw(
		    l->P, text + n, (size_t)(want < PATH_MAX - n ? want : PATH_MAX - n), va + (uint64_t)n);

		if (got <= 0)
			return NULL;
		if (memchr(text + n, '\0', (size_t)got) != NULL)
			return strdup(text);
		n += got;
	}
	return NULL;
}

static char *library_name(struct ps_prochandle *P, uint64_t bias, uint64_t dynamic)
{
	struct list l = { P, 0 };
	uint64_t link = dynamic == 0 ? 0 : first_link(&l), base, name, ld, next;

	for (int i = 0; link != 0 && i < LINKS_MAX; i++, link = next) {
		if (!read_word(&l, link, &base) || !read_word(&l, link + l.word, &name) ||
		    !read_word(&l, link + 2 * l.word, &ld) || !read_word(&l, link + 3 * l.word, &next))
			return NULL;
		/* l_addr differs or is 0 for musl itself and for prelinked libraries. */
		if (ld == dynamic || (base == bias && ld == 0))
			return text_at(&l, name);
	}
	return NULL;
}

static bool exec_name(struct ps_prochandle *P, struct proc_origin *out)
{
	char path[PATH_MAX];

	if (P->backend.ops.pop_execname == NULL ||
	    P->backend.ops.pop_execname(P, path, sizeof(path), P->data) == NULL || path[0] != '/')
		return false;
	out->path = strdup(path);
	if (P->backend.exec_file != NULL)
		P->backend.exec_file(&out->dev, &out->inode, P->data);
	return out->path != NULL;
}

bool handle_name_moved(
    void *data, uint64_t lo, uint64_t hi, uint64_t bias, uint64_t dynamic, struct proc_origin *out)
{
	struct ps_prochandle *P = data;
	long phdr = Pgetauxval(P, AT_PHDR);
	OWNED(mem_release) char *name = NULL;

	*out = (struct proc_origin){ .path = NULL };
	if (phdr != -1 && (uint64_t)phdr >= lo && (uint64_t)phdr < hi)
		return exec_name(P, out);
	name = library_name(P, bias, dynamic);
	if (name == NULL || name[0] == '\0')
		return false;
	/* The directory of a relative name is unknown. As a path from the root it leads nowhere but
	 * identifies the file. */
	if (name[0] == '/')
		out->path = mem_keep(&name);
	else if (asprintf(&out->path, "/%s", strncmp(name, "./", 2) == 0 ? name + 2 : name) < 0)
		out->path = NULL;
	return out->path != NULL;
}
