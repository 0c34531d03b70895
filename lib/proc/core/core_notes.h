/* PRIVATE to lib/proc: what the notes of a core are taken with. */
#ifndef PROC_CORE_NOTES_H
#define PROC_CORE_NOTES_H

#include "elf/notes.h"
#include "proc/core/core.h"

/* How to add a note: its name and type, the fewest bytes its handler needs (words of 8 bytes, of 4), the
 * handler. */
struct core_note_handler {
	const char *name;
	uint32_t type;
	uint16_t least[2];
	enum res (*take)(struct core *core, const struct elf_note *note, struct fault *f);
};

/* Copy n bytes at offset off of a note; zeros where it has none. */
void core_note_field(const struct elf_note *note, size_t off, void *out, size_t n);

/* Is this note one that illumos writes and Linux does not? */
bool core_illumos_note(const struct elf_note *note);

extern const struct core_note_handler core_illumos_handlers[];
extern const size_t core_illumos_handlers_n;

/* After all notes of an illumos core: its one LWP, if only the process's status has it. */
enum res core_illumos_complete(struct core *core, struct fault *f);

/* The files that were mapped, into core->ranges: illumos lists them nowhere, the dynamic linker's own list in memory
 * does. What cannot be read is left out. RES_FAIL: no memory. */
enum res core_illumos_ranges(struct core *core, struct fault *f);

#endif
