/* One ELF file, validated and mapped: a program, a shared library, a core or a debug file.
 *
 * An image is made from an open file, which is mapped read-only and not copied, or, if the file is
 * gone, from the loaded segments in a target's memory. Only x86-64 and i386 are supported; other
 * machines, including x32, are refused with a fault. Structures are returned as those of ELF-64 for
 * either class (elf/class.h). All counts, offsets and sizes in the file are checked against its
 * real size. A file that is truncated while it is mapped raises SIGBUS (cmd/pystack/sigbus.c).
 * Addresses ("vaddr") are link-time addresses of the file; add the load bias of the mapping to get
 * a target address. */
#ifndef ELF_IMAGE_H
#define ELF_IMAGE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"
#include "base/span.h"
#include "elf/class.h"

struct elf_image;

/* Make an image from fd. The caller keeps fd and may close it at once. RES_FAIL: not a regular
 * file, not ELF, or damaged headers (ELF_FAULT_FORMAT); another machine (ELF_FAULT_MACHINE); out of
 * memory. */
enum res elf_image_open(int fd, struct elf_image **out, struct fault *f);

/* Values of fault.code. The first two equal G_FORMAT and G_ISAINVAL of libproc.h, which this layer
 * does not include because it does not know processes. */
enum elf_fault_code { ELF_FAULT_FORMAT = 12, ELF_FAULT_MACHINE = 15, ELF_FAULT_NOT_BUILT = 16 };

/* Copies up to n bytes at address va of the target. Returns the number of bytes copied (0:
 * unreadable). */
typedef ssize_t elf_read_fn(void *data, void *buf, size_t n, uint64_t va);

/* An ELF file that a target has loaded. */
struct elf_memory {
	elf_read_fn *read;
	void *data;    /* passed to read */
	uint64_t base; /* address of the ELF header */
	size_t limit;  /* most bytes that are copied in all */
};

/* Make an image from the ELF header in memory and the loaded segments that its program headers
 * describe. Used for the vdso, and for libraries whose file was replaced. A segment that does not
 * fit into the limit or cannot be read stays absent. Section headers are used only if they were
 * loaded too (as in the vdso). RES_FAIL: no supported ELF file is there, or its headers are damaged
 * or unreadable; out of memory. The caller closes *out. */
enum res elf_image_from_memory(const struct elf_memory *memory, struct elf_image **out, struct fault *f);

/* Make an image from a complete ELF file of n bytes in memory from malloc. The image owns the
 * memory; on failure it is freed. */
enum res elf_image_from_bytes(void *bytes, size_t n, struct elf_image **out, struct fault *f);

void elf_image_close(struct elf_image *img); /* NULL ok */

/* libelf's handle for the same bytes, created at the first call and owned by img; NULL: libelf
 * refuses the file. The bytes are read-only: never call elf_compress on a section of it. */
Elf *elf_image_elf(struct elf_image *img);
const GElf_Ehdr *elf_image_ehdr(const struct elf_image *img);
/* The class; `word` is the size of an address in the program. */
const struct elf_class *elf_image_class(const struct elf_image *img);
size_t elf_image_phnum(const struct elf_image *img); /* PN_XNUM resolved, limited by the file's size */
const GElf_Phdr *elf_image_phdrs(const struct elf_image *img);

/* Size in bytes of the underlying file (or of the copied memory). */
uint64_t elf_image_size(const struct elf_image *img);

/* The n file bytes at file offset off; NULL: not all of them are in the file. Valid as long as
 * img. */
const void *elf_image_bytes(const struct elf_image *img, uint64_t off, size_t n);

/* The available prefix of the n file bytes at off; *avail is its length (0 … n). NULL: *avail is
 * 0. Used for incomplete files: segments of a truncated core, an image from memory. */
const void *elf_image_prefix(const struct elf_image *img, uint64_t off, size_t n, size_t *avail);

/* The longest run of file bytes that a PT_LOAD loads at vaddr. RES_NONE: there is none (bss, or
 * outside). *writable: the segment is PF_W, so that its bytes in a process may differ; may be
 * NULL. */
enum res elf_image_at(const struct elf_image *img, uint64_t vaddr, struct span *out, bool *writable);

/* The lowest p_vaddr of the PT_LOADs, rounded down to the page (4096); 0: there is none. */
uint64_t elf_image_base(const struct elf_image *img);

/* The vaddr at which file offset `off` is loaded, by the PT_LOAD whose page-rounded file range
 * contains it. Where ranges overlap, a segment whose execute permission equals `exec` is preferred.
 * RES_NONE: no PT_LOAD contains it. Used to compute the load bias: map start − vaddr(map
 * offset). */
enum res elf_image_vaddr_of_offset(const struct elf_image *img, uint64_t off, bool exec, uint64_t *vaddr);

/* A section by name: its header and its bytes, owned by img. The bytes are empty for NOBITS, and
 * decompressed for SHF_COMPRESSED (zlib, or zstd if the build has libzstd). RES_NONE: no such
 * section. RES_FAIL: its bytes are not all in the file, cannot be decompressed, or would be too
 * many (elf/unpack.h). `shdr` and `bytes` may be NULL. */
enum res elf_image_section(struct elf_image *img, const char *name, GElf_Shdr *shdr, struct span *bytes);

/* Sections by index, 0 included: the number of headers that are in the file; one header (false: no
 * such index); and its bytes, as elf_image_section returns them. */
size_t elf_image_shnum(struct elf_image *img);
bool elf_image_shdr(struct elf_image *img, size_t index, GElf_Shdr *out);
enum res elf_image_section_bytes(struct elf_image *img, size_t index, struct span *bytes);

/* The first section of a type (SHT_SYMTAB, SHT_DYNSYM …). False: there is none. `index` may be
 * NULL. */
bool elf_image_shdr_of_type(struct elf_image *img, uint32_t type, GElf_Shdr *out, size_t *index);

/* The load bias of an image from memory (target address − vaddr); 0 for an image of a file. */
uint64_t elf_image_bias(const struct elf_image *img);

/* The first program header of a type (PT_DYNAMIC, PT_GNU_EH_FRAME, PT_NOTE …); NULL: there is
 * none. */
const GElf_Phdr *elf_image_phdr(const struct elf_image *img, uint32_t type);

/* The GNU build-id (NT_GNU_BUILD_ID), searched in PT_NOTE segments, then in sections. RES_NONE: the
 * file has none. img owns the bytes. */
enum res elf_image_build_id(struct elf_image *img, struct span *id);

#endif
