/* An iterator over ELF notes. Linux pads name and descriptor to 4 bytes in cores and in most files,
 * and to 8 bytes in PT_NOTEs with p_align 8 (.note.gnu.property). */
#ifndef ELF_NOTES_H
#define ELF_NOTES_H

#include "base/fault.h"
#include "base/span.h"

struct elf_note {
	uint32_t type;
	const char *name; /* NUL-terminated in the note; "" if namesz is 0 or there is no NUL */
	struct span desc;
};

/* The next note of s. align: 8, or 4 for any other value. RES_OK: *out is set and s advanced.
 * RES_NONE: the end (fewer than 12 bytes are left). RES_FAIL: the note extends past the end; s is
 * empty then, and *out has the available part of the note (desc is shortened), so that a truncated
 * core can be used. */
enum res elf_note_next(struct span *s, size_t align, struct elf_note *out);

#endif
