/* PRIVATE to lib/elf: struct elf_image.
 *
 *   file    bytes = mapping of the whole file, runs empty        (image.c)
 *   memory  bytes = malloc'd, laid out by file offset; only the ranges in `runs` were read, and the
 *           rest of the buffer must not be used                  (image_memory.c)
 *
 * Headers are copied, because they may be unaligned; everything else is used in place. */
#ifndef ELF_IMAGE_IMPL_H
#define ELF_IMAGE_IMPL_H

#include "base/vec.h"
#include "elf/class.h"
#include "elf/image.h"

enum {
	ELF_PAGE = 4096,
	/* More than any real file has. On Linux vm.max_map_count limits the segments of a core. */
	ELF_PHDRS_MAX = 1 << 22,
	ELF_SHDRS_MAX = 1 << 20
};

struct elf_run {
	uint64_t start, end; /* file offsets, half open */
};

struct elf_inflated {
	size_t index; /* of the section */
	void *bytes;
	size_t n;
};

struct elf_image {
	const uint8_t *bytes;
	size_t size;
	bool mapped;              /* bytes are from mmap; false: from malloc */
	bool partial;             /* only `runs` are available */
	VEC(struct elf_run) runs; /* ascending, disjoint, not touching */

	const struct elf_class *cls;
	GElf_Ehdr ehdr;
	GElf_Phdr *phdrs;
	size_t phnum;
	uint32_t *loads; /* indices of the PT_LOADs, in file order */
	size_t load_n;
	bool loads_ascend; /* by p_vaddr without overlap, as the ABI requires: allows binary search */
	uint64_t base;
	uint64_t bias;

	bool sections_tried; /* the next two are valid */
	size_t shnum;
	struct span section_names;
	VEC(struct elf_inflated) inflated;

	Elf *elf;
};

/* Check that the n bytes are the start of a supported ELF file. Sets its class and header. */
enum res elf_header_check(
    const uint8_t *bytes, size_t n, const struct elf_class **cls, GElf_Ehdr *out, struct fault *f);

/* Fill in every member that comes from the headers. The caller must have set bytes, size, partial
 * and runs. */
enum res elf_image_parse(struct elf_image *img, struct fault *f);

#endif
