/* Members of structures. Each unit may define the same structure; all definitions must agree. */
#ifdef WITH_LIBDWARF

#include "dwarf/search.h"

#include <string.h>

enum {
	CHAIN_MAX = 16,     /* typedefs and qualifiers on the way to a type */
	DEPTH_MAX = 8,      /* unnamed structures inside each other */
	BYTES_MAX = 1 << 28 /* no structure is larger */
};

/* A place in the outermost structure. */
struct place {
	uint64_t bit; /* first one */
	uint64_t size;
	uint32_t bits; /* of a bit-field */
};

bool search_listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (;;) {
		size_t len = strcspn(list, "|");

		if (len == n && memcmp(list, name, n) == 0)
			return true;
		if (list[len] == '\0')
			return false;
		list += len + 1;
	}
}

static bool is_alias(Dwarf_Half tag)
{
	return tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
	       tag == DW_TAG_atomic_type || tag == DW_TAG_restrict_type;
}

/* The type of die, through typedefs and qualifiers; with `itself`, die may be that type. NULL:
 * none. The caller frees both. */
static Dwarf_Die resolve_type(struct search *s, Dwarf_Die die, bool itself)
{
	Dwarf_Die at = NULL;
	Dwarf_Off offset;

	if (itself && !is_alias(die_tag(s->r, die)))
		return die_offset(s->r, die, &offset) ? die_at(s->r, offset) : NULL;
	if (!die_reference(s->r, die, DW_AT_type, &offset))
		return NULL;
	for (int i = 0; i < CHAIN_MAX; i++) {
		at = die_at(s->r, offset);
		if (at == NULL || !is_alias(die_tag(s->r, at)))
			return at;
		if (!die_reference(s->r, at, DW_AT_type, &offset))
			break;
		die_free(s->r, at);
		at = NULL;
	}
	die_free(s->r, at);
	return NULL;
}

static bool is_aggregate(Dwarf_Half tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

/* Bytes of a resolved type; 0: unknown. */
static uint64_t size_of(struct search *s, Dwarf_Die type)
{
	uint64_t size = 0;

	if (type != NULL && !die_number(s->r, type, DW_AT_byte_size, &size) &&
	    die_tag(s->r, type) == DW_TAG_pointer_type)
		size = reader_word(s->r);
	return size;
}

/* Place of `member` in its structure. False: not plausible. */
static bool member_place(struct search *s, Dwarf_Die member, uint64_t size, struct place *out)
{
	uint64_t offset, bits = 0, first, unit;

	if (!die_member_offset(s->r, member, &offset) || offset > BYTES_MAX)
		return false;
	*out = (struct place){ .bit = offset * 8, .size = size };
	if (!die_number(s->r, member, DW_AT_bit_size, &bits))
		return true;
	if (bits == 0 || bits > 64)
		return false;
	out->bits = (uint32_t)bits;
	if (die_number(s->r, member, DW_AT_data_bit_offset, &first)) {
		if (first > (uint64_t)BYTES_MAX * 8)
			return false;
		out->bit = first;
		return true;
	}
	/* DWARF 2 and 3 count from the most significant bit of the unit of storage. */
	if (!die_number(s->r, member, DW_AT_bit_offset, &first))
		return true;
	if (!die_number(s->r, member, DW_AT_byte_size, &unit))
		unit = size;
	if (unit > 16 || first + bits > unit * 8 || first > 128)
		return false;
	out->bit += unit * 8 - first - bits;
	return true;
}

static bool is_name(const char *name, const char *part, size_t n)
{
	return name != NULL && strncmp(name, part, n) == 0 && name[n] == '\0';
}

/* One name of a path. */
struct part {
	const char *name;
	size_t n;
};

/* A member that was found. */
struct member {
	struct place place;
	Dwarf_Die type; /* resolved, the caller frees it; NULL: it has none */
};

/* Find the member `part` of a structure, which is inside `depth` unnamed ones. */
static bool find_part(struct search *s, Dwarf_Die structure, struct part part, int depth, struct member *out)
{
	Dwarf_Die member = depth < DEPTH_MAX ? die_child(s->r, structure) : NULL;

	for (; member != NULL && s->budget > 0; member = die_next(s->r, member)) {
		const char *name;
		Dwarf_Die own;
		struct place place;
		bool found;

		s->budget--;
		if (die_tag(s->r, member) != DW_TAG_member)
			continue;
		name = die_name(s->r, member);
		if (name != NULL && !is_name(name, part.name, part.n))
			continue;
		own = resolve_type(s, member, false);
		found = member_place(s, member, size_of(s, own), &place);
		if (found && name == NULL) {
			struct member inner = { .type = NULL };

			found = own != NULL && is_aggregate(die_tag(s->r, own)) &&
				find_part(s, own, part, depth + 1, &inner);
			die_free(s->r, own);
			own = inner.type;
			if (found)
				place = (struct place){ place.bit + inner.place.bit, inner.place.size,
					inner.place.bits };
		}
		if (found) {
			*out = (struct member){ place, own };
			die_free(s->r, member);
			return true;
		}
		die_free(s->r, own);
	}
	die_free(s->r, member);
	return false;
}

/* Follow one path of members, "a.b" (n bytes), from a structure. */
static bool follow_path(struct search *s, Dwarf_Die structure, const char *path, size_t n, struct place *out)
{
	struct place sum = { 0 };
	Dwarf_Die at = NULL;
	bool found = false;

	for (;;) {
		const char *dot = memchr(path, '.', n);
		size_t len = dot == NULL ? n : (size_t)(dot - path);
		struct member member = { .type = NULL };
		struct place place;

		found = find_part(s, at == NULL ? structure : at, (struct part){ path, len }, 0, &member);
		place = member.place;
		die_free(s->r, at);
		at = member.type;
		if (!found)
			break;
		sum = (struct place){ sum.bit + place.bit, place.size, place.bits };
		if (dot == NULL)
			break;
		path += len + 1;
		n -= len + 1;
		if (at == NULL || !is_aggregate(die_tag(s->r, at)))
			found = false;
		if (!found)
			break;
	}
	die_free(s->r, at);
	if (found)
		*out = sum;
	return found;
}

/* Follow the first of the paths that exists. */
static bool follow_paths(struct search *s, Dwarf_Die structure, const char *paths, struct place *out)
{
	for (;;) {
		size_t n = strcspn(paths, "|");

		if (follow_path(s, structure, paths, n, out))
			return true;
		if (paths[n] == '\0')
			return false;
		paths += n + 1;
	}
}

static struct dwarf_answer answer_question(struct search *s, Dwarf_Die type, const char *member)
{
	struct dwarf_answer a = { .finding = DWARF_FOUND, .whole = size_of(s, type) };
	struct place place;
	uint64_t end;

	if (member[0] == '\0') {
		a.size = a.whole;
		return a;
	}
	if (!is_aggregate(die_tag(s->r, type)) || !follow_paths(s, type, member, &place)) {
		a.finding = DWARF_NO_MEMBER;
		return a;
	}
	a.offset = place.bit / 8;
	a.size = place.size;
	if (place.bits != 0) {
		a.bit = (uint32_t)(place.bit % 8);
		a.bits = place.bits;
	}
	end = place.bits != 0 ? (place.bit + place.bits + 7) / 8 : a.offset + place.size;
	if (end > a.whole || place.size > BYTES_MAX || a.whole > BYTES_MAX)
		a.finding = DWARF_CONTRADICTION;
	return a;
}

static bool is_same_answer(const struct dwarf_answer *a, const struct dwarf_answer *b)
{
	return a->finding == b->finding && a->offset == b->offset && a->size == b->size &&
	       a->whole == b->whole && a->bit == b->bit && a->bits == b->bits;
}

void structure_answer(struct search *s, Dwarf_Die die, const char *name)
{
	Dwarf_Die type = resolve_type(s, die, true);

	if (type == NULL)
		return;
	/* Only declared here, or void. */
	if (die_flag(s->r, type, DW_AT_declaration)) {
		die_free(s->r, type);
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		struct dwarf_answer a;

		if (!search_listed(s->questions[i].type, name))
			continue;
		a = answer_question(s, type, s->questions[i].member);
		if (s->answers[i].finding == DWARF_NO_TYPE)
			s->answers[i] = a;
		else if (!is_same_answer(&s->answers[i], &a))
			s->answers[i].finding = DWARF_CONTRADICTION;
	}
	die_free(s->r, type);
}

#endif
