/* Images of code that a program has made at run time, as it describes it for debuggers. */
#ifndef ELF_IMAGE_MADE_H
#define ELF_IMAGE_MADE_H

#include "elf/image.h"
#include "elf/symbols.h"

/* A piece of code, by the file that describes it. */
struct made_code {
	uint64_t lo, hi;
	struct elf_image *image;     /* its addresses are those of the target */
	struct elf_symbols *symbols; /* NULL: no memory */
};

/* Make an image from a complete ELF file of memory->limit bytes at memory->base. It is in the
 * target as a file would be, not loaded: its sections say where their contents are loaded
 * (sh_addr). Addresses of the image are those of the target.
 *
 * A relocatable file (LLVM's are) has values of symbols that are relative to their sections, and an
 * .eh_frame that was relocated where it is loaded only: the first are changed to addresses, the
 * second is read from there. RES_FAIL: unreadable, or no supported ELF file; out of memory. The
 * caller closes *out. */
enum res elf_image_made(const struct elf_memory *memory, struct elf_image **out, struct fault *f);

/* The next range [*lo, *hi) of its code, by section headers: *section is 0 at first, and then as it
 * was left. False: there are no more. */
bool elf_image_made_code(struct elf_image *img, size_t *section, uint64_t *lo, uint64_t *hi);

#endif
