/* One ELF file, validated and mapped: a program, a shared library, a core or a debug file.
 *
 * An image comes from an open file (mapped read-only, nothing copied; the sections are parsed by
 * libelf on demand) or from loaded segments read out of a target's memory, when the file is gone.
 * x86-64 and i386 only; anything else (x32 too) is refused with a clear fault. What is given out has the
 * structures of ELF-64 in either class (elf/class.h). All counts, offsets and sizes in the file are checked
 * against its real size; a file that shrinks while mapped raises SIGBUS (cmd/pystack/sigbus.c).
 * Addresses ("vaddr") are the file's own link-time ones;
 * add the load bias of the mapping to get a target address. */
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

/* Take an ELF image from fd, which stays the caller's (it may be closed at once).
 * RES_FAIL: not a regular file (G_FORMAT), not ELF or damaged headers (G_FORMAT), other machine
 * (G_ISAINVAL), no memory. `fault.code` uses the numbers of libproc.h's G_ codes:
 * enum elf_fault_code below (this layer knows no processes, so it does not include libproc.h). */
enum res elf_image_open(int fd, struct elf_image **out, struct fault *f);

enum elf_fault_code { ELF_FAULT_FORMAT = 12, ELF_FAULT_MACHINE = 15, ELF_FAULT_NOT_BUILT = 16 };

/* Read function for elf_image_from_memory: copies up to n bytes at address va of the target,
 * returns how many (0: unreadable). */
typedef ssize_t elf_read_fn(void *data, void *buf, size_t n, uint64_t va);

/* Build an image from the ELF header at address `base` in a target and the loaded segments that its
 * program headers name (`limit`: most bytes to copy in all; a segment that does not fit or cannot be
 * read stays absent). Section headers are used only if they lie inside what was loaded (the vdso).
 * For the vdso, and for libraries whose file was replaced. */
enum res elf_image_from_memory(
    elf_read_fn *read, void *data, uint64_t base, size_t limit, struct elf_image **out, struct fault *f);

/* Take a whole ELF file of n bytes that lies in memory, from malloc: it is the result's, and freed here on failure. */
enum res elf_image_from_bytes(void *bytes, size_t n, struct elf_image **out, struct fault *f);

void elf_image_close(struct elf_image *img); /* NULL ok */

/* libelf's handle over the same bytes, owned by img, made at the first call; NULL when libelf refuses the
 * file. The bytes are read-only: never elf_compress a section through it. */
Elf *elf_image_elf(struct elf_image *img);
const GElf_Ehdr *elf_image_ehdr(const struct elf_image *img);
/* Its class; `word` is the size of an address in the program. */
const struct elf_class *elf_image_class(const struct elf_image *img);
size_t elf_image_phnum(const struct elf_image *img); /* PN_XNUM resolved, capped to the file */
const GElf_Phdr *elf_image_phdrs(const struct elf_image *img);

/* Size in bytes of the underlying file (or of the copied memory). */
uint64_t elf_image_size(const struct elf_image *img);

/* n file bytes at file offset off, or NULL if they are not all inside. Lives as long as img. */
const void *elf_image_bytes(const struct elf_image *img, uint64_t off, size_t n);

/* The available prefix of the n file bytes at off: *avail (0 … n) of them, and where they are (NULL when
 * *avail is 0). For files cut short: a truncated core's segments, an image from memory. */
const void *elf_image_prefix(const struct elf_image *img, uint64_t off, size_t n, size_t *avail);

/* The longest run of file bytes that backs vaddr through a PT_LOAD; RES_NONE when none does (bss,
 * outside). `*writable` (may be NULL) tells whether that segment is PF_W: its bytes in a process are
 * then not to be taken from the file. */
enum res elf_image_at(const struct elf_image *img, uint64_t vaddr, struct span *out, bool *writable);

/* Lowest p_vaddr of the PT_LOADs rounded down to the page (4096); 0 when there is none. */
uint64_t elf_image_base(const struct elf_image *img);

/* vaddr that file offset `off` is loaded at, through the PT_LOAD whose page-rounded file range holds it
 * (executable segments preferred where ranges overlap and `exec` is true).
 * RES_NONE: no PT_LOAD covers it. Used to get the load bias: bias = map start − vaddr(map offset). */
enum res elf_image_vaddr_of_offset(const struct elf_image *img, uint64_t off, bool exec, uint64_t *vaddr);

/* A section by name: its address (0 if not loaded), its bytes (empty for NOBITS; inflated when
 * SHF_COMPRESSED by zlib, or zstd where the build has libzstd), owned by img. RES_NONE: no such section. RES_FAIL: its
 * bytes are not all in the file, or cannot be decompressed (or would be too many: elf/unpack.h). `shdr` and `bytes` may
 * be NULL. */
enum res elf_image_section(struct elf_image *img, const char *name, GElf_Shdr *shdr, struct span *bytes);

/* Sections by index, 0 included: how many the file really has room for, one header (false: no such
 * index), and its bytes as elf_image_section gives them. */
size_t elf_image_shnum(struct elf_image *img);
bool elf_image_shdr(struct elf_image *img, size_t index, GElf_Shdr *out);
enum res elf_image_section_bytes(struct elf_image *img, size_t index, struct span *bytes);

/* First section of a type (SHT_SYMTAB, SHT_DYNSYM…); false when there is none. `index` may be NULL. */
bool elf_image_shdr_of_type(struct elf_image *img, uint32_t type, GElf_Shdr *out, size_t *index);

/* Load bias of an image from memory (target address − vaddr); 0 for an image of a file. */
uint64_t elf_image_bias(const struct elf_image *img);

/* First program header of a type (PT_DYNAMIC, PT_GNU_EH_FRAME, PT_NOTE…), NULL when none. */
const GElf_Phdr *elf_image_phdr(const struct elf_image *img, uint32_t type);

/* The GNU build-id (NT_GNU_BUILD_ID), looked for in PT_NOTE segments, then in sections.
 * RES_NONE: the file has none. Bytes owned by img. */
enum res elf_image_build_id(struct elf_image *img, struct span *id);

#endif
