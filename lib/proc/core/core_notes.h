/* PRIVATE to lib/proc: handlers of a core's notes. */
#ifndef PROC_CORE_NOTES_H
#define PROC_CORE_NOTES_H

#include "elf/notes.h"
#include "proc/core/core.h"

/* A handler: name and type of its note, the fewest bytes that it needs (for words of 8 bytes and of
 * 4), and its function. */
struct core_note_handler {
	const char *name;
	uint32_t type;
	uint16_t least[2];
	enum res (*take)(struct core *core, const struct elf_note *note, struct fault *f);
};

/* Copy n bytes at offset off of a note. Bytes after its end are zero. */
void core_note_field(const struct elf_note *note, size_t off, void *out, size_t n);

/* True if this note is one of illumos that Linux does not write. */
bool core_illumos_note(const struct elf_note *note);

extern const struct core_note_handler core_illumos_handlers[];
extern const size_t core_illumos_handlers_n;

/* Called after all notes of an illumos core. Adds its only LWP if just the process's status has
 * it. */
enum res core_illumos_complete(struct core *core, struct fault *f);

/* Add the mapped files to core->ranges, from the dynamic linker's list in memory, because illumos
 * has no list of them in the core. Files that cannot be read are left out. RES_FAIL: no memory. */
enum res core_illumos_ranges(struct core *core, struct fault *f);

#endif
