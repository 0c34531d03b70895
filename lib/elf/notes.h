/* Iterating over ELF notes. Linux pads name and descriptor to 4 bytes in cores and in most files,
 * to 8 in PT_NOTEs with p_align 8 (.note.gnu.property). */
#ifndef ELF_NOTES_H
#define ELF_NOTES_H

#include "base/fault.h"
#include "base/span.h"

struct elf_note {
	uint32_t type;
	const char *name; /* NUL-terminated inside the note, "" when namesz is 0 or it has no NUL */
	struct span desc;
};

/* Next note of s (align 4 or 8; anything else is taken as 4). RES_OK with *out and s advanced;
 * RES_NONE at the end (fewer than 12 bytes left); RES_FAIL when a note runs past the end: its header
 * was read, s is then empty and *out holds what there is of it (desc cut short), so that a truncated core
 * can still be used. */
enum res elf_note_next(struct span *s, size_t align, struct elf_note *out);

#endif
