/* PRIVATE to lib/dwarf: the search itself, without a process of its own. */
#ifndef DWARF_SEARCH_H
#define DWARF_SEARCH_H

#include "dwarf/reader.h"

struct search {
	struct reader *r;
	const struct dwarf_question *questions;
	struct dwarf_answer *answers; /* one each */
	size_t n;
	uint64_t budget; /* dies that may still be looked at */
};

/* As dwarf_members, in this process: a damaged file can take this process with it. */
enum res search_members(struct elf_image *img, const uint64_t *hints, size_t hint_n,
    const struct dwarf_question *questions, size_t n, struct dwarf_answer *answers);

/* Is `name` one of the names that `list` has, with '|' between them? */
bool search_listed(const char *list, const char *name);

/* A type by the name of `die` was met: answer the questions about it, or compare with the answers already there
 * (structures.c). */
void structure_answer(struct search *s, Dwarf_Die die, const char *name);

#endif
