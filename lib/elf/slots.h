/* Words of an ELF image that the dynamic linker sets to the address of a function: those by which
 * its code calls functions of other files. */
#ifndef ELF_SLOTS_H
#define ELF_SLOTS_H

#include "elf/image.h"

/* Called with the vaddr of each word. False ends the search. */
typedef bool elf_slot_fn(void *data, uint64_t vaddr);

/* Find the words for the dynamic symbol `name`, by the sections of relocations that refer to
 * .dynsym. RES_NONE: the image has no such sections. RES_FAIL: the search was ended, or the
 * sections are damaged. */
enum res elf_slots_of(struct elf_image *img, const char *name, elf_slot_fn *each, void *data);

#endif
