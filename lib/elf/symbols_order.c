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
 * The sort is an LSD radix sort over the digits in which the addresses differ: two or three passes
 * for the few megabytes of a program. */
#include <stdlib.h>
#include <string.h>

#include "elf/symbols_impl.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

static bool has_address(const GElf_Sym *sym, const struct symbol_table *t)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	/* An undefined symbol with a value is a PLT entry, but has the size of the function
	 * elsewhere. */
	return (sym->st_size != 0 || type == STT_FUNC) && sym->st_shndx != SHN_UNDEF &&
	       sym->st_shndx != SHN_ABS && sym->st_shndx != SHN_COMMON &&
	       (type == STT_FUNC || type == STT_OBJECT || type == STT_COMMON || type == STT_GNU_IFUNC) &&
	       sym->st_name != 0 && sym->st_name < span_left(&t->names);
}

static void sort_places(struct symbol_place *places, struct symbol_place *spare, size_t n)
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

static uint64_t symbol_end(uint64_t start, uint64_t size)
{
	return size > UINT64_MAX - start ? UINT64_MAX : start + size;
}

static void set_reach(const struct elf_symbols *syms, struct symbol_place *places, size_t n)
{
	uint64_t farthest = 0;

	for (size_t i = 0; i < n; i++) {
		/* Before this loop, reach is the symbol's own size. */
		uint64_t end = symbol_end(places[i].start, places[i].reach);
		uint64_t reach;

		if (places[i].reach == UINT32_MAX) {
			GElf_Sym sym;

			if (symbol_read(&syms->tables[places[i].id >> SYMBOL_ID_BITS],
				places[i].id & (((uint32_t)1 << SYMBOL_ID_BITS) - 1), &sym))
				end = symbol_end(sym.st_value, sym.st_size);
		}
		if (end > farthest)
			farthest = end;
		reach = farthest > places[i].start ? farthest - places[i].start : 0;
		places[i].reach = reach < UINT32_MAX ? (uint32_t)reach : UINT32_MAX;
	}
}

/* Collect all symbols that have an address, in table order. Returns their number. */
static size_t collect_places(const struct elf_symbols *syms, struct symbol_place *out)
{
	size_t n = 0;

	for (uint32_t t = 0; t < SYMBOL_TABLES; t++) {
		const struct symbol_table *table = &syms->tables[t];
		GElf_Sym sym;

		for (size_t i = 1; i < table->n && symbol_read(table, i, &sym); i++) {
			if (!has_address(&sym, table))
				continue;
			out[n++] = (struct symbol_place){ sym.st_value, (t << SYMBOL_ID_BITS) | (uint32_t)i,
				sym.st_size < UINT32_MAX ? (uint32_t)sym.st_size : UINT32_MAX };
		}
	}
	return n;
}

static bool order_places(struct elf_symbols *syms)
{
	struct symbol_place *places, *spare;
	size_t most = 0;

	if (syms->ordered)
		return syms->place_n > 0;
	for (size_t t = 0; t < SYMBOL_TABLES; t++)
		most += syms->tables[t].n;
	syms->ordered = true;
	if (most == 0 || most > UINT32_MAX)
		return false;
	places = malloc(most * sizeof(*places));
	spare = malloc(most * sizeof(*spare));
	if (places != NULL && spare != NULL) {
		syms->place_n = collect_places(syms, places);
		sort_places(places, spare, syms->place_n);
		set_reach(syms, places, syms->place_n);
		syms->places = places;
		places = NULL;
	}
	free(places);
	free(spare);
	return syms->place_n > 0;
}

static int type_rank(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	return type == STT_FUNC ? 0 : type == STT_GNU_IFUNC ? 1 : 2;
}

static size_t underscores(const char *name)
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
	if (underscores(a->name) != underscores(b->name))
		return underscores(a->name) < underscores(b->name);
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

enum res elf_symbols_by_addr(struct elf_symbols *syms, uint64_t vaddr, struct elf_symbol *out)
{
	size_t lo = 0, hi;
	struct elf_symbol best, other, unsized;
	bool found = false, found_unsized = false;

	symbols_load(syms);
	if (!order_places(syms))
		return RES_NONE;
	hi = syms->place_n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (syms->places[mid].start <= vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo > 0) {
		const struct symbol_place *place = &syms->places[--lo];

		if (found && place->start != best.sym.st_value)
			break;
		if (place->reach != UINT32_MAX && vaddr - place->start >= place->reach &&
		    place->start != vaddr)
			break;
		if (!place_holds(syms, place, vaddr, &other))
			continue;
		if (other.sym.st_size == 0) {
			unsized = found_unsized && better_symbol(&unsized, &other) ? unsized : other;
			found_unsized = true;
		} else if (!found || !better_symbol(&best, &other)) {
			best = other;
			found = true;
		}
	}
	if (!found && !found_unsized)
		return RES_NONE;
	*out = found ? best : unsized;
	return RES_OK;
}
