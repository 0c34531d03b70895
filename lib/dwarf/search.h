/* PRIVATE to lib/dwarf: the search, in this process. */
#ifndef DWARF_SEARCH_H
#define DWARF_SEARCH_H

#include "dwarf/reader.h"

struct search {
	struct reader *r;
	const struct dwarf_question *questions;
	struct dwarf_answer *answers; /* one each */
	size_t n;
	uint64_t budget; /* dies that may still be read */
};

/* As dwarf_members, but in this process: a damaged file may crash it. */
enum res search_members(
    struct elf_image *img, const struct dwarf_request *request, struct dwarf_answer *answers);

/* True if `name` is one of the names in `list`, which '|' separates. */
bool search_listed(const char *list, const char *name);

/* Answer the questions about the type `name`, defined by die, or compare it with the answers
 * already there (structures.c). */
void structure_answer(struct search *s, Dwarf_Die die, const char *name);

#endif
