/* Where the members of structures lie, by the debug information (DWARF 2 to 5) of a file. Knows nothing of what the
 * structures are for.
 *
 *   members.c     the request and the check of its answers
 *   worker.c      the child process that answers it
 *   search.c      which units of the file to look into, and for which names
 *   structures.c  a structure's members, down to a path of them
 *   reader.c      libdwarf over the sections of an elf_image
 *   aranges.c     from an address to its unit
 *
 * libdwarf is not hardened against hostile files: 20210528 (Debian 12) dereferences NULL even on valid
 * files if a unit is requested first. So it runs in a child process (worker.h). Whatever happens to
 * that, the caller gets answers or RES_FAIL. */
#ifndef DWARF_MEMBERS_H
#define DWARF_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "elf/image.h"

/* One question. */
struct dwarf_question {
	const char *type; /* names of one structure or type, tag or typedef: "PyThreadState|_ts" */
	/* A member of it, or one in a structure inside it: "threads.head|tstate_head", the first path that is there. Members
	 * of unnamed structures and unions count as the outer one's. "": the type itself. */
	const char *member;
};

enum dwarf_finding {
	DWARF_NO_TYPE,   /* no definition of such a type */
	DWARF_NO_MEMBER, /* it has none of these members */
	DWARF_FOUND,
	DWARF_CONTRADICTION, /* definitions differ, or a member lies outside its structure */
};

struct dwarf_answer {
	enum dwarf_finding finding;
	uint64_t offset; /* bytes from the start of the type */
	uint64_t size;   /* of the member, or of the type itself, in bytes; 0: not said (arrays) */
	uint64_t whole;  /* of the type */
	uint32_t
	    bit; /* bit-fields: first bit in the byte at offset (little-endian), and how many; else 0, 0 */
	uint32_t bits;
};

/* Was this built with libdwarf? If not, dwarf_members finds nothing. */
bool dwarf_can_read(void);

/* Answer n questions (at most DWARF_QUESTIONS) by the debug information of img. First asked are the units that hold the
 * code at hints[0 … hint_n) (addresses of the file; functions whose source uses the types) and units these refer to;
 * units are read one after the other only for types that these do not have.
 * RES_NONE: img has no debug information. RES_FAIL: it cannot be read; f says why. Runs a child process: not for a time
 * when a target is held. */
enum { DWARF_QUESTIONS = 128 };
enum res dwarf_members(struct elf_image *img, const uint64_t *hints, size_t hint_n,
    const struct dwarf_question *questions, size_t n, struct dwarf_answer *answers, struct fault *f);

#endif
