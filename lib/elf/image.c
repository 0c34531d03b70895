/* An ELF file as a validated, mapped array of bytes.
 *
 * It reads the ELF header and the program headers (System V ABI; Linux fs/binfmt_elf.c for cores),
 * and converts file offsets and link-time addresses to pointers:
 *
 *     vaddr --PT_LOAD--> file offset --bounds--> pointer into the mapping
 *
 * A segment may claim bytes that the file does not have (a truncated core). This is checked at each
 * access, not when the file is opened. */
#include "elf/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "arch/arch.h"
#include "elf/image_impl.h"

/* --- headers --- */

enum res elf_header_check(
    const uint8_t *bytes, size_t n, const struct elf_class **cls, GElf_Ehdr *out, struct fault *f)
{
	const struct elf_class *c;
	uint16_t machine = EM_NONE;
	char number[32];
	const char *name;

	if (n < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return fault_set(f, ELF_FAULT_FORMAT, 0, 0, "not an ELF file");
	c = elf_class_of(bytes);
	if (c == NULL)
		return fault_set(f, ELF_FAULT_FORMAT, 0, 0, "unknown ELF class %u", bytes[EI_CLASS]);
	if (n < c->ehdr)
		return fault_set(f, ELF_FAULT_FORMAT, 0, 0, "ELF file truncated inside its header");
	if (bytes[EI_DATA] != ELFDATA2LSB)
		return fault_set(
		    f, ELF_FAULT_MACHINE, 0, 0, "big-endian ELF file: only " ARCH_SUPPORTED " are supported");
	/* e_machine lies at the same place in both classes. */
	memcpy(&machine, bytes + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
	if (arch_of_elf(machine, bytes[EI_CLASS]) == NULL) {
		(void)snprintf(number, sizeof(number), "machine %u", machine);
		name = arch_machine_name(machine, bytes[EI_CLASS]);
		return fault_set(f, ELF_FAULT_MACHINE, 0, 0,
		    "%s (%s) ELF file: only " ARCH_SUPPORTED " are supported",
		    c->word == 8 ? "64-bit" : "32-bit", name != NULL ? name : number);
	}
	if (bytes[EI_VERSION] != EV_CURRENT)
		return fault_set(f, ELF_FAULT_FORMAT, 0, 0, "unknown ELF version %u", bytes[EI_VERSION]);
	elf_class_ehdr(c, bytes, out);
	*cls = c;
	return RES_OK;
}

/* The number of program headers that the file claims. 65535 and more do not fit into e_phnum;
 * sh_info of the first section header has the number then. A core has that section at its end, so a
 * truncated one has lost it; but the notes are the first segment and start where the program
 * headers end. */
static uint64_t claimed_phdrs(const struct elf_image *img)
{
	const struct elf_class *c = img->cls;
	const void *at;
	GElf_Shdr first;
	GElf_Phdr notes;

	if (img->ehdr.e_phnum != PN_XNUM)
		return img->ehdr.e_phnum;
	at = elf_image_bytes(img, img->ehdr.e_shoff, c->shdr);
	if (at != NULL && img->ehdr.e_shoff != 0 && img->ehdr.e_shentsize == c->shdr) {
		elf_class_shdr(c, at, &first);
		return first.sh_info;
	}
	at = elf_image_bytes(img, img->ehdr.e_phoff, c->phdr);
	if (at != NULL && img->ehdr.e_type == ET_CORE) {
		elf_class_phdr(c, at, &notes);
		if (notes.p_type == PT_NOTE && notes.p_offset > img->ehdr.e_phoff)
			return (notes.p_offset - img->ehdr.e_phoff) / c->phdr;
	}
	return PN_XNUM;
}

static enum res copy_phdrs(struct elf_image *img, struct fault *f)
{
	uint64_t claimed = claimed_phdrs(img);
	size_t avail = 0, size = img->cls->phdr;
	const uint8_t *at;

	if (claimed == 0)
		return RES_OK;
	if (img->ehdr.e_phentsize != size)
		return fault_set(f, ELF_FAULT_FORMAT, 0, 0, "damaged ELF file: program headers of %u bytes",
		    img->ehdr.e_phentsize);
	if (claimed > ELF_PHDRS_MAX)
		claimed = ELF_PHDRS_MAX;
	at = elf_image_prefix(img, img->ehdr.e_phoff, (size_t)claimed * size, &avail);
	img->phnum = avail / size;
	if (img->phnum == 0)
		return fault_set(
		    f, ELF_FAULT_FORMAT, 0, 0, "damaged or truncated ELF file: no program headers in it");
	img->phdrs = calloc(img->phnum, sizeof(*img->phdrs));
	img->loads = calloc(img->phnum, sizeof(*img->loads));
	if (img->phdrs == NULL || img->loads == NULL)
		return fault_memory(f);
	for (size_t i = 0; i < img->phnum; i++)
		elf_class_phdr(img->cls, at + i * size, &img->phdrs[i]);
	return RES_OK;
}

static void index_loads(struct elf_image *img)
{
	const GElf_Phdr *before = NULL;
	uint64_t lowest = UINT64_MAX;

	img->loads_ascend = true;
	for (size_t i = 0; i < img->phnum; i++) {
		const GElf_Phdr *ph = &img->phdrs[i];

		if (ph->p_type != PT_LOAD)
			continue;
		img->loads[img->load_n++] = (uint32_t)i;
		if (ph->p_vaddr < lowest)
			lowest = ph->p_vaddr;
		if (before != NULL &&
		    (ph->p_vaddr < before->p_vaddr || ph->p_vaddr - before->p_vaddr < before->p_filesz))
			img->loads_ascend = false;
		before = ph;
	}
	img->base = img->load_n == 0 ? 0 : lowest & ~(uint64_t)(ELF_PAGE - 1);
}

enum res elf_image_parse(struct elf_image *img, struct fault *f)
{
	enum res res = elf_header_check(img->bytes, img->size, &img->cls, &img->ehdr, f);

	if (res != RES_OK || img->cls == NULL)
		return RES_FAIL;
	res = copy_phdrs(img, f);
	if (res != RES_OK)
		return res;
	index_loads(img);
	return RES_OK;
}

/* --- creation and destruction --- */

enum res elf_image_open(int fd, struct elf_image **out, struct fault *f)
{
	struct elf_image *img;
	struct stat st;
	void *at;
	enum res res;

	if (fstat(fd, &st) != 0)
		return fault_set(f, 0, errno, 0, "cannot stat: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fault_set(f, ELF_FAULT_FORMAT, 0, 0, "not a regular file");
	if (st.st_size == 0)
		return fault_set(f, ELF_FAULT_FORMAT, 0, 0, "not an ELF file (empty)");
	img = calloc(1, sizeof(*img));
	if (img == NULL)
		return fault_memory(f);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED) {
		int sys = errno;

		free(img);
		return fault_set(f, 0, sys, 0, "cannot map: %s", strerror(sys));
	}
	img->bytes = at;
	img->size = (size_t)st.st_size;
	img->mapped = true;
	res = elf_image_parse(img, f);
	if (res != RES_OK) {
		elf_image_close(img);
		return res;
	}
	*out = img;
	return RES_OK;
}

enum res elf_image_from_bytes(void *bytes, size_t n, struct elf_image **out, struct fault *f)
{
	struct elf_image *img = calloc(1, sizeof(*img));
	enum res res;

	if (img == NULL) {
		free(bytes);
		return fault_memory(f);
	}
	img->bytes = bytes;
	img->size = n;
	res = elf_image_parse(img, f);
	if (res == RES_OK)
		*out = img;
	else
		elf_image_close(img);
	return res;
}

void elf_image_close(struct elf_image *img)
{
	union {
		const uint8_t *read_only;
		void *memory;
	} bytes;

	if (img == NULL)
		return;
	if (img->elf != NULL)
		(void)elf_end(img->elf);
	for (size_t i = 0; i < img->inflated.n; i++)
		free(img->inflated.at[i].bytes);
	vec_free(&img->inflated);
	bytes.read_only = img->bytes;
	if (img->mapped)
		(void)munmap(bytes.memory, img->size);
	else
		free(bytes.memory);
	vec_free(&img->runs);
	free(img->phdrs);
	free(img->loads);
	free(img);
}

/* --- access --- */

Elf *elf_image_elf(struct elf_image *img)
{
	if (img->elf == NULL && elf_version(EV_CURRENT) != EV_NONE) {
		union {
			const uint8_t *read_only;
			char *memory;
		} bytes = { .read_only = img->bytes };

		/* elf_memory only reads the bytes, although its parameter is not const. */
		img->elf = elf_memory(bytes.memory, img->size);
	}
	return img->elf;
}

const GElf_Ehdr *elf_image_ehdr(const struct elf_image *img)
{
	return &img->ehdr;
}

size_t elf_image_phnum(const struct elf_image *img)
{
	return img->phnum;
}

const GElf_Phdr *elf_image_phdrs(const struct elf_image *img)
{
	return img->phdrs;
}

const struct elf_class *elf_image_class(const struct elf_image *img)
{
	return img->cls;
}

uint64_t elf_image_size(const struct elf_image *img)
{
	return img->size;
}

uint64_t elf_image_base(const struct elf_image *img)
{
	return img->base;
}

uint64_t elf_image_bias(const struct elf_image *img)
{
	return img->bias;
}

const GElf_Phdr *elf_image_phdr(const struct elf_image *img, uint32_t type)
{
	for (size_t i = 0; i < img->phnum; i++) {
		if (img->phdrs[i].p_type == type)
			return &img->phdrs[i];
	}
	return NULL;
}

/* The file offset at which the available bytes from off on end; off if none are available. */
static uint64_t end_of_run(const struct elf_image *img, uint64_t off)
{
	if (!img->partial)
		return off < img->size ? img->size : off;
	for (size_t i = 0; i < img->runs.n; i++) {
		if (off >= img->runs.at[i].start && off < img->runs.at[i].end)
			return img->runs.at[i].end;
	}
	return off;
}

const void *elf_image_prefix(const struct elf_image *img, uint64_t off, size_t n, size_t *avail)
{
	uint64_t left = end_of_run(img, off) - off;

	*avail = left < n ? (size_t)left : n;
	return *avail == 0 ? NULL : img->bytes + off;
}

const void *elf_image_bytes(const struct elf_image *img, uint64_t off, size_t n)
{
	size_t avail;
	const void *at;

	if (n == 0)
		return off <= img->size ? img->bytes + off : NULL;
	at = elf_image_prefix(img, off, n, &avail);
	return avail == n ? at : NULL;
}

static bool load_holds(const GElf_Phdr *ph, uint64_t vaddr)
{
	return vaddr >= ph->p_vaddr && vaddr - ph->p_vaddr < ph->p_filesz;
}

static const GElf_Phdr *load_of(const struct elf_image *img, uint64_t vaddr)
{
	size_t lo = 0, hi = img->load_n;

	if (!img->loads_ascend) {
		for (size_t i = 0; i < img->load_n; i++) {
			if (load_holds(&img->phdrs[img->loads[i]], vaddr))
				return &img->phdrs[img->loads[i]];
		}
		return NULL;
	}
	/* Find the first segment that starts after vaddr. If several start at one address, only the
	 * last has bytes: the others would overlap it. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (img->phdrs[img->loads[mid]].p_vaddr <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || !load_holds(&img->phdrs[img->loads[lo - 1]], vaddr))
		return NULL;
	return &img->phdrs[img->loads[lo - 1]];
}

enum res elf_image_at(const struct elf_image *img, uint64_t vaddr, struct span *out, bool *writable)
{
	const GElf_Phdr *ph = load_of(img, vaddr);
	uint64_t into;
	size_t avail;
	const void *at;

	if (ph == NULL)
		return RES_NONE;
	into = vaddr - ph->p_vaddr;
	if (ph->p_offset > UINT64_MAX - into)
		return RES_NONE;
	at = elf_image_prefix(img, ph->p_offset + into, (size_t)(ph->p_filesz - into), &avail);
	if (at == NULL)
		return RES_NONE;
	*out = span_of(at, avail);
	if (writable != NULL)
		*writable = (ph->p_flags & PF_W) != 0;
	return RES_OK;
}

enum res elf_image_vaddr_of_offset(const struct elf_image *img, uint64_t off, bool exec, uint64_t *vaddr)
{
	const GElf_Phdr *best = NULL;
	int best_score = -1;

	/* Adjacent segments usually share a page of the file, which is then mapped twice. The
	 * execute permission distinguishes them, then the start of each one's mapping. */
	for (size_t i = 0; i < img->load_n; i++) {
		const GElf_Phdr *ph = &img->phdrs[img->loads[i]];
		uint64_t start = ph->p_offset & ~(uint64_t)(ELF_PAGE - 1), end;
		int score = 0;

		if (ph->p_filesz == 0 || ph->p_offset > UINT64_MAX - ELF_PAGE ||
		    ph->p_filesz > UINT64_MAX - ELF_PAGE - ph->p_offset)
			continue;
		end = (ph->p_offset + ph->p_filesz + ELF_PAGE - 1) & ~(uint64_t)(ELF_PAGE - 1);
		if (off < start || off >= end)
			continue;
		if (((ph->p_flags & PF_X) != 0) == exec)
			score += 2;
		if (off == start)
			score += 1;
		if (score > best_score) {
			best_score = score;
			best = ph;
		}
	}
	if (best == NULL)
		return RES_NONE;
	/* This may wrap for an offset before the first segment's own; the sum with the bias is
	 * right. */
	*vaddr = best->p_vaddr + (off - best->p_offset);
	return RES_OK;
}
