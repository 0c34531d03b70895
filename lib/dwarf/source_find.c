/* From addresses to functions and lines.
 *
 *   unit ──> subprogram ──> lexical block ──> inlined subroutine ──> …
 *
 * Only dies whose code contains an address are entered. The line of the innermost function is that
 * of the line table; that of each other is where the next one was called. */
#ifdef WITH_LIBDWARF

#include "dwarf/source_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dwarf/aranges.h"
#include "dwarf/lines.h"
#include "dwarf/unit.h"

enum { DIES_MAX = 8 << 20, UNITS_MAX = 1 << 17, DEPTH_MAX = 64, HOPS_MAX = 8 };

struct search {
	struct reader *main, *common;
	struct reader *split[SOURCE_SPLIT_MAX];
	size_t split_n;
	const uint64_t *addresses;
	size_t n;
	bool found[SOURCE_ADDRESSES]; /* its unit was */
	struct source_reply *out;
	uint64_t budget; /* dies that may still be read */
};

/* A unit that has some of the addresses. */
struct visit {
	struct search *s;
	struct unit unit;
	struct lines lines;
	bool has[SOURCE_ADDRESSES];
};

/* --- names --- */

/* What a die says of another one. */
struct origin {
	struct reader *r;
	Dwarf_Die die;
};

static bool refers_to(const struct search *s, const struct origin *from, Dwarf_Half attr, struct origin *out)
{
	Dwarf_Attribute a = die_attribute(from->r, from->die, attr);
	Dwarf_Off offset;
	bool ok;

	if (a == NULL)
		return false;
	ok = attribute_form(from->r, a) == DW_FORM_GNU_ref_alt ||
	     attribute_form(from->r, a) == DW_FORM_ref_sup4;
	out->r = ok ? s->common : from->r;
	ok = out->r != NULL && attribute_form(from->r, a) != DW_FORM_ref_sig8 &&
	     attribute_offset_of_die(from->r, a, &offset);
	attribute_free(from->r, a);
	if (!ok)
		return false;
	out->die = die_at(out->r, offset);
	return out->die != NULL;
}

static const char *linkage_name(const struct origin *o)
{
	const char *name = die_text(o->r, o->die, DW_AT_linkage_name);

	return name != NULL ? name : die_text(o->r, o->die, DW_AT_MIPS_linkage_name);
}

/* The name of a function: its own, or that of the die it is an instance or the definition of. */
static const char *function_name(const struct search *s, struct reader *r, Dwarf_Die die)
{
	struct origin o = { r, die };
	const char *name = NULL;

	for (unsigned i = 0; i < HOPS_MAX; i++) {
		struct origin next;
		const char *linkage = linkage_name(&o);

		if (linkage != NULL)
			return linkage;
		if (name == NULL)
			name = die_name(o.r, o.die);
		if (!refers_to(s, &o, DW_AT_abstract_origin, &next) &&
		    !refers_to(s, &o, DW_AT_specification, &next))
			break;
		o = next;
	}
	return name == NULL ? "" : name;
}

/* --- places --- */

static void set_file(const struct visit *v, uint64_t file, struct source_place *out)
{
	const char *directory;
	const char *name = lines_file(&v->lines, file, &directory);
	char *path;
	size_t n;

	out->file = out->directory = "";
	if (name == NULL)
		return;
	if (directory == NULL || name[0] == '/') {
		out->file = name;
	} else {
		n = strlen(directory) + strlen(name) + 2;
		path = malloc(n);
		if (path == NULL)
			return;
		(void)snprintf(path, n, "%s/%s", directory, name);
		out->file = path;
	}
	if (out->file[0] != '/' && v->unit.directory != NULL)
		out->directory = v->unit.directory;
}

/* Put an inlined function before the others: `die` is the innermost so far. */
static void push_place(struct visit *v, struct source_answer *a, Dwarf_Die die, bool inlined)
{
	struct source_place place = { "", "", "", 0, 0 };
	uint64_t file, line, column = 0;

	/* The call is in the function that was the innermost. */
	if (inlined && a->n > 0 && die_number(v->unit.r, die, DW_AT_call_file, &file) &&
	    die_number(v->unit.r, die, DW_AT_call_line, &line) && line <= INT32_MAX) {
		(void)die_number(v->unit.r, die, DW_AT_call_column, &column);
		set_file(v, file, &a->places[0]);
		a->places[0].line = (uint32_t)line;
		a->places[0].column = column <= INT32_MAX ? (uint32_t)column : 0;
	}
	if (a->n == SOURCE_DEPTH_MAX)
		return;
	place.function = function_name(v->s, v->unit.r, die);
	memmove(a->places + 1, a->places, a->n * sizeof(a->places[0]));
	a->places[0] = place;
	a->n++;
}

static bool may_have_inlined(Dwarf_Half tag)
{
	return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
	       tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/* The functions that were put into the code of die, at the address. */
static void enter_function(
    struct visit *v, Dwarf_Die function, uint64_t address, struct source_answer *a, unsigned depth)
{
	Dwarf_Die die = depth < DEPTH_MAX ? die_child(v->unit.r, function) : NULL;

	for (; die != NULL && v->s->budget > 0; die = die_next(v->unit.r, die)) {
		Dwarf_Half tag = die_tag(v->unit.r, die);

		v->s->budget--;
		if (!may_have_inlined(tag) || unit_code_of(&v->unit, die, address) != UNIT_HAS_IT)
			continue;
		if (tag == DW_TAG_inlined_subroutine)
			push_place(v, a, die, true);
		enter_function(v, die, address, a, depth + 1);
		break;
	}
	die_free(v->unit.r, die);
}

static bool may_have_functions(Dwarf_Half tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

static void enter_scope(struct visit *v, Dwarf_Die scope, unsigned depth)
{
	Dwarf_Die die = depth < DEPTH_MAX ? die_child(v->unit.r, scope) : NULL;

	for (; die != NULL && v->s->budget > 0; die = die_next(v->unit.r, die)) {
		Dwarf_Half tag = die_tag(v->unit.r, die);

		v->s->budget--;
		if (may_have_functions(tag))
			enter_scope(v, die, depth + 1);
		for (size_t i = 0; tag == DW_TAG_subprogram && i < v->s->n; i++) {
			struct source_answer *a = &v->s->out->answers[i];

			if (!v->has[i] || a->n > 0 ||
			    unit_code_of(&v->unit, die, v->s->addresses[i]) != UNIT_HAS_IT)
				continue;
			push_place(v, a, die, false);
			enter_function(v, die, v->s->addresses[i], a, 0);
		}
	}
	die_free(v->unit.r, die);
}

/* The innermost place gets the line of the instruction. Without functions that is all. */
static void add_lines(struct visit *v)
{
	for (size_t i = 0; i < v->s->n; i++) {
		struct source_answer *a = &v->s->out->answers[i];
		uint64_t file, line, column;

		if (!v->has[i] || !lines_at(&v->lines, v->s->addresses[i], &file, &line, &column))
			continue;
		if (a->n == 0)
			a->places[a->n++] = (struct source_place){ "", "", "", 0, 0 };
		set_file(v, file, &a->places[0]);
		a->places[0].line = line <= INT32_MAX ? (uint32_t)line : 0;
		a->places[0].column = column <= INT32_MAX ? (uint32_t)column : 0;
	}
}

/* --- units --- */

static bool split_id(struct reader *r, Dwarf_Die die, const struct unit_header *unit, uint64_t *id)
{
	if (unit->id != 0) {
		*id = unit->id;
		return true;
	}
	return die_number(r, die, DW_AT_GNU_dwo_id, id);
}

/* The die of the split unit with this id, and the file it is in. NULL: it is in none of them. */
static Dwarf_Die split_unit(struct search *s, uint64_t id, struct reader **r)
{
	for (size_t k = 0; k < s->split_n; k++) {
		struct unit_header unit;
		Dwarf_Off at = 0;

		*r = s->split[k];
		for (size_t i = 0; i < UNITS_MAX && reader_unit(*r, at, &unit); i++) {
			Dwarf_Die die = unit.die == 0 ? NULL : die_at(*r, unit.die);
			uint64_t its = 0;

			if (die != NULL && split_id(*r, die, &unit, &its) && its == id)
				return die;
			die_free(*r, die);
			at = unit.next;
		}
	}
	return NULL;
}

static void want_split(struct search *s, const char *name, const char *directory)
{
	struct source_reply *out = s->out;

	for (size_t i = 0; i < out->wanted_n; i++) {
		if (strcmp(out->wanted[i].name, name) == 0)
			return;
	}
	if (out->wanted_n < SOURCE_SPLIT_MAX)
		out->wanted[out->wanted_n++] =
		    (struct source_wanted){ name, directory == NULL ? "" : directory };
}

/* Find the functions of a unit, which may be in a split file. */
static void enter_unit(struct visit *v, Dwarf_Die die, const struct unit_header *unit)
{
	const char *name = die_text(v->unit.r, die, DW_AT_dwo_name);
	struct reader *r;
	uint64_t id;
	Dwarf_Die split;

	if (name == NULL)
		name = die_text(v->unit.r, die, DW_AT_GNU_dwo_name);
	if (name == NULL) {
		enter_scope(v, die, 0);
		return;
	}
	split = split_id(v->unit.r, die, unit, &id) ? split_unit(v->s, id, &r) : NULL;
	if (split == NULL) {
		want_split(v->s, name, v->unit.directory);
		return;
	}
	unit_enter_split(&v->unit, r);
	enter_scope(v, split, 0);
	die_free(r, split);
}

/* Look into a unit if it has addresses; listed: whose unit this is, by .debug_aranges; NULL: by the
 * unit's own ranges. */
static void visit_unit(struct search *s, const struct unit_header *unit, const bool *listed)
{
	Dwarf_Die die = unit->die == 0 ? NULL : die_at(s->main, unit->die);
	struct visit v = { .s = s };
	bool any = false;

	if (die == NULL)
		return;
	unit_open(&v.unit, s->main, die, unit->version);
	for (size_t i = 0; i < s->n; i++) {
		v.has[i] =
		    !s->found[i] &&
		    (listed != NULL ? listed[i] : unit_code_of(&v.unit, die, s->addresses[i]) == UNIT_HAS_IT);
		s->found[i] |= v.has[i];
		any |= v.has[i];
	}
	if (any) {
		lines_read(&v.lines, s->main, die);
		enter_unit(&v, die, unit);
		add_lines(&v);
	}
	die_free(s->main, die);
}

static void visit_listed(struct search *s)
{
	struct span aranges = reader_section(s->main, ".debug_aranges");
	uint64_t headers[SOURCE_ADDRESSES];
	bool known[SOURCE_ADDRESSES];

	for (size_t i = 0; i < s->n; i++)
		known[i] = aranges_find(aranges, s->addresses[i], &headers[i]);
	for (size_t i = 0; i < s->n; i++) {
		bool listed[SOURCE_ADDRESSES] = { false };
		struct unit_header unit;

		if (!known[i] || s->found[i] || !reader_unit(s->main, headers[i], &unit))
			continue;
		for (size_t k = i; k < s->n; k++)
			listed[k] = known[k] && headers[k] == headers[i];
		visit_unit(s, &unit, listed);
	}
}

static bool all_found(const struct search *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!s->found[i])
			return false;
	}
	return true;
}

static void visit_all(struct search *s)
{
	struct unit_header unit;
	Dwarf_Off at = 0;

	for (size_t i = 0; i < UNITS_MAX && !all_found(s) && reader_unit(s->main, at, &unit); i++) {
		visit_unit(s, &unit, NULL);
		at = unit.next;
	}
}

bool source_search(
    const struct source_files *files, const uint64_t *addresses, size_t n, struct source_reply *out)
{
	struct search s = { .addresses = addresses, .n = n, .out = out, .budget = DIES_MAX };

	if (reader_create(files->main, READER_CODE, &s.main) != RES_OK)
		return false;
	if (files->common != NULL && reader_create(files->common, READER_CODE, &s.common) == RES_OK)
		reader_tie(s.main, s.common);
	for (size_t i = 0; i < files->split_n; i++) {
		if (reader_create(files->split[i], READER_CODE, &s.split[s.split_n]) == RES_OK)
			reader_tie(s.split[s.split_n++], s.main);
	}
	visit_listed(&s);
	visit_all(&s);
	return true;
}

#endif
