/* The units to look into.
 *
 *   1. the units with the code at the hints; after link-time optimisation such a unit has only
 *      code: the abstract origin of the function is in the unit with its types
 *   2. units that these import (DW_TAG_imported_unit: common parts that dwz has moved out)
 *   3. for types not yet found, all units in order: for files without .debug_aranges (clang), and
 *      for hints that are not in the file
 *
 * Only the top level of a unit is walked: C has no types elsewhere. */
#ifdef WITH_LIBDWARF

#include "dwarf/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "dwarf/aranges.h"

enum { UNITS_MAX = 4096, DIES_MAX = 4 << 20, NAMES_MAX = DWARF_QUESTIONS };

struct units {
	VEC(Dwarf_Off) dies; /* of units, each once, in the order of discovery */
	/* The types of the questions, each once. */
	const char *types[NAMES_MAX];
	size_t type_n;
	struct dwarf_hints hints;
};

static void unit_add(struct units *u, Dwarf_Off die)
{
	for (size_t i = 0; i < u->dies.n; i++) {
		if (u->dies.at[i] == die)
			return;
	}
	if (u->dies.n < UNITS_MAX)
		(void)vec_push(&u->dies, die);
}

static bool is_asked(const struct units *u, const char *name)
{
	for (size_t i = 0; i < u->type_n; i++) {
		if (search_listed(u->types[i], name))
			return true;
	}
	return false;
}

/* Add the unit that a function at one of the hints comes from. */
static void origin_of(struct search *s, struct units *u, Dwarf_Die function)
{
	Dwarf_Off offset, unit;
	uint64_t low;
	Dwarf_Die origin;

	if (!die_low_pc(s->r, function, &low))
		return;
	for (size_t i = 0; i < u->hints.n; i++) {
		if (u->hints.at[i] != low || !die_reference(s->r, function, DW_AT_abstract_origin, &offset))
			continue;
		origin = die_at(s->r, offset);
		if (origin != NULL && die_unit(s->r, origin, &unit))
			unit_add(u, unit);
		die_free(s->r, origin);
	}
}

static void walk_unit(struct search *s, struct units *u, Dwarf_Die unit, bool hinted)
{
	Dwarf_Die die = die_child(s->r, unit);

	for (; die != NULL && s->budget > 0; die = die_next(s->r, die)) {
		Dwarf_Half tag = die_tag(s->r, die);
		const char *name;
		Dwarf_Off offset;

		s->budget--;
		if (tag == DW_TAG_structure_type || tag == DW_TAG_typedef || tag == DW_TAG_union_type) {
			name = die_name(s->r, die);
			if (name != NULL && is_asked(u, name))
				structure_answer(s, die, name);
		} else if (tag == DW_TAG_imported_unit) {
			if (die_reference(s->r, die, DW_AT_import, &offset))
				unit_add(u, offset);
		} else if (tag == DW_TAG_subprogram && hinted) {
			origin_of(s, u, die);
		}
	}
	die_free(s->r, die);
}

static bool is_complete(const struct search *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->answers[i].finding == DWARF_NO_TYPE)
			return false;
	}
	return true;
}

/* The units of the hints, then those that they refer to. */
static void walk_near(struct search *s, struct units *u)
{
	struct span aranges = reader_section(s->r, ".debug_aranges");
	size_t hinted;

	for (size_t i = 0; i < u->hints.n; i++) {
		uint64_t header;
		Dwarf_Off offset;
		Dwarf_Die die =
		    aranges_find(aranges, u->hints.at[i], &header) ? die_of_unit(s->r, header) : NULL;

		if (die != NULL && die_offset(s->r, die, &offset))
			unit_add(u, offset);
		die_free(s->r, die);
	}
	hinted = u->dies.n;
	for (size_t i = 0; i < u->dies.n; i++) {
		Dwarf_Die die = die_at(s->r, u->dies.at[i]);

		if (die != NULL)
			walk_unit(s, u, die, i < hinted);
		die_free(s->r, die);
	}
}

/* Imported units need no care here: they are in the file too. */
static void walk_all(struct search *s, struct units *u)
{
	Dwarf_Die die;

	for (size_t i = 0; i < UNITS_MAX && s->budget > 0 && !is_complete(s); i++) {
		die = reader_next_unit(s->r);
		if (die == NULL)
			break;
		walk_unit(s, u, die, false);
		die_free(s->r, die);
	}
}

enum res search_members(
    struct elf_image *img, const struct dwarf_request *request, struct dwarf_answer *answers)
{
	const struct dwarf_question *questions = request->questions;
	size_t n = request->n;
	struct search s = { .questions = questions, .answers = answers, .n = n, .budget = DIES_MAX };
	struct units u = { .dies = VEC_EMPTY, .hints = request->hints };
	enum res res;

	if (n > DWARF_QUESTIONS)
		return RES_FAIL;
	res = reader_create(img, READER_TYPES, &s.r);
	if (res != RES_OK)
		return res;
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		answers[i] = (struct dwarf_answer){ .finding = DWARF_NO_TYPE };
		while (k < u.type_n && strcmp(u.types[k], questions[i].type) != 0)
			k++;
		if (k == u.type_n)
			u.types[u.type_n++] = questions[i].type;
	}
	walk_near(&s, &u);
	walk_all(&s, &u);
	vec_free(&u.dies);
	reader_destroy(s.r);
	return s.budget > 0 ? RES_OK : RES_FAIL;
}

#endif
