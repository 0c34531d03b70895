/* Offsets of the members of structures, by the debug information (DWARF 2 to 5) of a file, whatever
 * the structures are for.
 *
 *   members.c     the request, and the check of its answers
 *   worker.c      the child process that answers it
 *   search.c      the units to look into, and the names to look for
 *   structures.c  members of a structure, by paths
 *   reader.c      libdwarf over the sections of an elf_image
 *   aranges.c     from an address to its unit
 *
 * libdwarf is not hardened against hostile files: 20210528 (Debian 12) dereferences NULL even on
 * valid files if a unit is requested first. So it runs in a child process (worker.h). Whatever
 * happens to it, the caller gets answers or RES_FAIL. */
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
	/* A member of it, or of a structure inside it: "threads.head|tstate_head", the first path
	 * that exists. Members of unnamed structures and unions belong to the outer one. "": the
	 * type itself. */
	const char *member;
};

enum dwarf_finding {
	DWARF_NO_TYPE,   /* the type is not defined */
	DWARF_NO_MEMBER, /* it has none of these members */
	DWARF_FOUND,
	DWARF_CONTRADICTION, /* definitions differ, or a member lies outside its structure */
};

struct dwarf_answer {
	enum dwarf_finding finding;
	uint64_t offset; /* bytes from the start of the type */
	uint64_t size;   /* of the member, or of the type itself, in bytes; 0: unknown (arrays) */
	uint64_t whole;  /* of the type */
	/* Bit-fields: first bit in the byte at offset (little-endian), and their number; else 0,
	 * 0. */
	uint32_t bit, bits;
};

/* True if this was built with libdwarf. If not, dwarf_members finds nothing. */
bool dwarf_can_read(void);

/* Addresses of the file at which functions begin whose sources use the types. */
struct dwarf_hints {
	const uint64_t *at;
	size_t n;
};

enum { DWARF_QUESTIONS = 128 };

struct dwarf_request {
	struct dwarf_hints hints;
	const struct dwarf_question *questions;
	size_t n; /* at most DWARF_QUESTIONS */
};

/* Answer each question by the debug information of img; answers: one each. The units with the code
 * at the hints are read first, and the units they refer to; then, only for types not found there,
 * all units in order. RES_NONE: img has no debug information. RES_FAIL: it cannot be read; f says
 * why. Runs a child process: the caller must not have stopped the target. */
enum res dwarf_members(struct elf_image *img, const struct dwarf_request *request,
    struct dwarf_answer *answers, struct fault *f);

#endif
