/* The order of symbols by address, and the search in it.
 *
 * Symbols may nest and overlap. In the order of their starts, the right answer is the last symbol
 * before the address that contains it. To limit the search backwards, each place stores the highest
 * end of all symbols up to it:
 *
 *     start   |---- a ----------------------|          reach of a: end of a
 *                 |- b -|                              reach of b: end of a
 *                            ^ address: b starts last but has ended; its reach says: continue to a
 *
 * A run looks up some tens of addresses, and a program has some ten thousand symbols. So these are
 * only divided into groups of neighbours, by the upper bits of their starts. A group is sorted when
 * an address in it is looked up, or one to which a symbol of it may extend. */
#include <stdlib.h>
#include <string.h>

#include "elf/symbols_impl.h"

enum {
	DIGIT_BITS = 8,
	DIGITS = 1 << DIGIT_BITS,
	GROUP = 16,           /* symbols of a group, on the average */
	GROUPS_MAX = 1 << 16, /* larger programs have larger groups */
	FEW = 64,             /* places that are sorted without other memory */
};

/* An LSD radix sort over the digits in which the starts differ. Both sorts keep the order of equal
 * ones. */
static void sort_many(struct symbol_place *places, struct symbol_place *spare, size_t n)
{
	struct symbol_place *from = places, *to = spare;
	uint64_t any = 0, all = UINT64_MAX;
	uint32_t at[DIGITS];

	for (size_t i = 0; i < n; i++) {
		any |= places[i].start;
		all &= places[i].start;
	}
	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		struct symbol_place *swap = from;
		uint32_t sum = 0;

		if ((((any ^ all) >> shift) & (DIGITS - 1)) == 0)
			continue;
		memset(at, 0, sizeof(at));
		for (size_t i = 0; i < n; i++)
			at[(from[i].start >> shift) & (DIGITS - 1)]++;
		for (size_t d = 0; d < DIGITS; d++) {
			uint32_t count = at[d];

			at[d] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[at[(from[i].start >> shift) & (DIGITS - 1)]++] = from[i];
		from = to;
		to = swap;
	}
	if (from != places)
		memcpy(places, from, n * sizeof(*places));
}

static void sort_few(struct symbol_place *places, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct symbol_place place = places[i];
		size_t k = i;

		for (; k > 0 && places[k - 1].start > place.start; k--)
			places[k] = places[k - 1];
		places[k] = place;
	}
}

/* False: out of memory. */
static bool sort_places(struct symbol_place *places, size_t n)
{
	struct symbol_place *spare;

	if (n <= FEW) {
		sort_few(places, n);
		return true;
	}
	spare = malloc(n * sizeof(*spare));
	if (spare == NULL)
		return false;
	sort_many(places, spare, n);
	free(spare);
	return true;
}

static uint64_t symbol_end(uint64_t start, uint64_t size)
{
	return size > UINT64_MAX - start ? UINT64_MAX : start + size;
}

static bool read_by_id(const struct elf_symbols *syms, uint32_t id, GElf_Sym *out)
{
	return symbol_read(
	    &syms->tables[id >> SYMBOL_ID_BITS], id & (((uint32_t)1 << SYMBOL_ID_BITS) - 1), out);
}

/* Where the symbol of an index that is in the table starts and ends. False: it has no address. Each
 * symbol of a file passes here, so those of the usual class are read without a call, and
 * conditions are joined. */
static inline bool range_at(const struct symbol_table *t, size_t index, uint64_t *start, uint64_t *end)
{
	enum { TYPES = 1 << STT_FUNC | 1 << STT_OBJECT | 1 << STT_COMMON | 1 << STT_GNU_IFUNC };
	GElf_Sym other;
	const uint8_t *at = t->syms.at + index * sizeof(other);
	uint64_t size;
	uint32_t name;
	uint16_t section;
	unsigned type;

	if (t->cls->sym != sizeof(other)) {
		(void)symbol_read(t, index, &other);
		at = (const uint8_t *)&other;
	}
	memcpy(start, at + offsetof(GElf_Sym, st_value), sizeof(*start));
	memcpy(&size, at + offsetof(GElf_Sym, st_size), sizeof(size));
	memcpy(&name, at + offsetof(GElf_Sym, st_name), sizeof(name));
	memcpy(&section, at + offsetof(GElf_Sym, st_shndx), sizeof(section));
	type = GELF_ST_TYPE(at[offsetof(GElf_Sym, st_info)]);
	*end = symbol_end(*start, size);
	/* An undefined symbol with a value is a PLT entry, but has the size of the function
	 * elsewhere. SHN_ABS and SHN_COMMON are neighbours. */
	return (1U << type & TYPES) != 0 && section != SHN_UNDEF &&
	       (uint16_t)(section - SHN_ABS) > SHN_COMMON - SHN_ABS && (size != 0 || type == STT_FUNC) &&
	       name != 0 && name < span_left(&t->names);
}

/* --- groups --- */

/* The group of a symbol that starts there. Those outside of the segments are in the first or last
 * one. */
static inline uint64_t group_of(struct symbol_grouping by, uint64_t start)
{
	uint64_t group = start < by.lowest ? 0 : (start - by.lowest) >> by.bits;

	return group < by.last ? group : by.last;
}

/* Divide the addresses of the segments into groups, for n symbols or fewer. */
static void choose_groups(struct elf_symbols *syms, size_t n)
{
	size_t most = n / GROUP < GROUPS_MAX ? n / GROUP + 1 : GROUPS_MAX;
	const GElf_Phdr *ph = elf_image_phdrs(syms->img);
	struct symbol_grouping by = { .lowest = elf_image_base(syms->img) };
	uint64_t bytes = 0;

	for (size_t i = 0; i < elf_image_phnum(syms->img); i++) {
		uint64_t end = symbol_end(ph[i].p_vaddr, ph[i].p_memsz);

		if (ph[i].p_type == PT_LOAD && end > by.lowest && end - by.lowest > bytes)
			bytes = end - by.lowest;
	}
	while (by.bits < 63 && bytes >> by.bits >= most)
		by.bits++;
	by.last = bytes >> by.bits;
	syms->by = by;
	syms->group_n = (size_t)by.last + 1;
}

/* Find the symbols of each group, and the highest end among them. */
static void fill_groups(struct elf_symbols *syms)
{
	const struct symbol_grouping by = syms->by;
	struct symbol_group *const groups = syms->groups;
	uint32_t *older = syms->older;
	uint64_t start, end;

	for (uint32_t t = 0, before = 0; t < SYMBOL_TABLES; t++) {
		const struct symbol_table table = syms->tables[t];

		for (size_t i = 1; i < table.n; i++) {
			struct symbol_group *g;

			if (!range_at(&table, i, &start, &end))
				continue;
			g = &groups[group_of(by, start)];
			older[before + i] = g->newest;
			g->newest = before + (uint32_t)i;
			g->n++;
			g->carry = end > g->carry ? end : g->carry;
		}
		before += (uint32_t)table.n;
	}
}

/* Make that end the highest of the groups before. */
static void carry_ends(struct elf_symbols *syms)
{
	uint64_t farthest = 0;

	for (size_t i = 0; i < syms->group_n; i++) {
		uint64_t end = syms->groups[i].carry;

		syms->groups[i].carry = farthest;
		farthest = end > farthest ? end : farthest;
	}
}

/* False: there are no symbols, or there is no memory. */
static bool make_groups(struct elf_symbols *syms)
{
	size_t most = 0;

	if (syms->ordered)
		return syms->older != NULL;
	syms->ordered = true;
	for (size_t t = 0; t < SYMBOL_TABLES; t++)
		most += syms->tables[t].n;
	if (most == 0 || most > UINT32_MAX)
		return false;
	choose_groups(syms, most);
	syms->groups = calloc(syms->group_n, sizeof(*syms->groups));
	if (syms->groups == NULL) {
		syms->group_n = 0;
		return false;
	}
	syms->older = malloc(most * sizeof(*syms->older));
	if (syms->older == NULL)
		return false;
	fill_groups(syms);
	carry_ends(syms);
	return true;
}

static void set_reach(
    const struct elf_symbols *syms, struct symbol_place *places, size_t n, uint64_t farthest)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t reach;
		GElf_Sym sym;

		if (read_by_id(syms, places[i].id, &sym) && symbol_end(sym.st_value, sym.st_size) > farthest)
			farthest = symbol_end(sym.st_value, sym.st_size);
		reach = farthest > places[i].start ? farthest - places[i].start : 0;
		places[i].reach = reach < UINT32_MAX ? (uint32_t)reach : UINT32_MAX;
	}
}

/* The place of a symbol by its number; its reach is to be set. */
static struct symbol_place symbol_place_of(const struct elf_symbols *syms, uint32_t number)
{
	struct symbol_place place = { .id = number };
	uint32_t t = 0;
	GElf_Sym sym;

	for (; t < SYMBOL_TABLES - 1 && place.id >= syms->tables[t].n; t++)
		place.id -= (uint32_t)syms->tables[t].n;
	place.id |= t << SYMBOL_ID_BITS;
	if (read_by_id(syms, place.id, &sym))
		place.start = sym.st_value;
	return place;
}

/* Sort a group if it is not sorted yet. False: out of memory. */
static bool sort_group(struct elf_symbols *syms, size_t group)
{
	struct symbol_group *g = &syms->groups[group];
	struct symbol_place *places;
	uint32_t number = g->newest;

	if (g->places != NULL || g->n == 0)
		return true;
	places = malloc(g->n * sizeof(*places));
	if (places == NULL)
		return false;
	for (size_t i = g->n; i-- > 0; number = syms->older[number])
		places[i] = symbol_place_of(syms, number);
	if (!sort_places(places, g->n)) {
		free(places);
		return false;
	}
	set_reach(syms, places, g->n, g->carry);
	g->places = places;
	return true;
}

/* --- the search --- */

static int type_rank(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	return type == STT_FUNC ? 0 : type == STT_GNU_IFUNC ? 1 : 2;
}

static size_t count_underscores(const char *name)
{
	return strspn(name, "_");
}

/* True if a is the better name of two symbols that start at the same address. */
static bool better_symbol(const struct elf_symbol *a, const struct elf_symbol *b)
{
	bool local_a = GELF_ST_BIND(a->sym.st_info) == STB_LOCAL;
	bool local_b = GELF_ST_BIND(b->sym.st_info) == STB_LOCAL;

	if (type_rank(&a->sym) != type_rank(&b->sym))
		return type_rank(&a->sym) < type_rank(&b->sym);
	if (local_a != local_b)
		return local_b;
	if ((a->name[0] == '$') != (b->name[0] == '$'))
		return b->name[0] == '$';
	if (count_underscores(a->name) != count_underscores(b->name))
		return count_underscores(a->name) < count_underscores(b->name);
	if (a->sym.st_size != b->sym.st_size)
		return a->sym.st_size < b->sym.st_size;
	return strcmp(a->name, b->name) < 0;
}

/* True if the symbol of the place contains vaddr and has a name; *out is the symbol then. */
static bool place_holds(
    const struct elf_symbols *syms, const struct symbol_place *place, uint64_t vaddr, struct elf_symbol *out)
{
	const struct symbol_table *t = &syms->tables[place->id >> SYMBOL_ID_BITS];
	size_t index = place->id & (((uint32_t)1 << SYMBOL_ID_BITS) - 1);
	GElf_Sym sym;

	/* The end of a symbol of size 0 is unknown: it matches its first byte only. */
	if (!symbol_read(t, index, &sym) || vaddr - place->start >= (sym.st_size != 0 ? sym.st_size : 1) ||
	    symbol_name(t, &sym) == NULL)
		return false;
	symbol_fill(t, index, &sym, out);
	return true;
}

/* What the search has found so far. */
struct finding {
	struct elf_symbol best, unsized;
	bool found, found_unsized;
};

static void consider_symbol(struct finding *f, const struct elf_symbol *sym)
{
	if (sym->sym.st_size == 0) {
		if (!f->found_unsized || !better_symbol(&f->unsized, sym))
			f->unsized = *sym;
		f->found_unsized = true;
	} else if (!f->found || !better_symbol(&f->best, sym)) {
		f->best = *sym;
		f->found = true;
	}
}

/* Search a sorted group from the last place that starts at or before vaddr. True: the groups before
 * have no answer, or no better one. */
static bool search_group(const struct elf_symbols *syms, size_t group, uint64_t vaddr, struct finding *f)
{
	const struct symbol_place *places = syms->groups[group].places;
	size_t lo = 0, hi = syms->groups[group].n;
	struct elf_symbol other;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (places[mid].start <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo > 0) {
		const struct symbol_place *place = &places[--lo];

		if (f->found && place->start != f->best.sym.st_value)
			return true;
		if (place->reach != UINT32_MAX && vaddr - place->start >= place->reach &&
		    place->start != vaddr)
			return true;
		if (place_holds(syms, place, vaddr, &other))
			consider_symbol(f, &other);
	}
	/* Symbols with the same start are in the same group. */
	return f->found || syms->groups[group].carry <= vaddr;
}

enum res elf_symbols_by_addr(struct elf_symbols *syms, uint64_t vaddr, struct elf_symbol *out)
{
	struct finding f = { .found = false };
	size_t group;

	symbols_load(syms);
	if (!make_groups(syms))
		return RES_NONE;
	for (group = (size_t)group_of(syms->by, vaddr);; group--) {
		if (!sort_group(syms, group))
			return RES_NONE;
		if (search_group(syms, group, vaddr, &f) || group == 0)
			break;
	}
	if (!f.found && !f.found_unsized)
		return RES_NONE;
	*out = f.found ? f.best : f.unsized;
	return RES_OK;
}
